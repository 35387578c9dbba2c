# Lines "who benchmark metric value unit" to a table on standard output and, with -v json=FILE, a JSON document.
# Several values of one thing are runs: the median counts. "prototype" is no peer but the limit that a throwaway reached, and
# "floor" the least that the work can take: each has a column of its own. "cpu_seconds", "rows" and "read_bytes" belong to
# the row of "seconds" of their benchmark. "bar" lines say what grove is to reach: VALUE is the least ratio to the best peer
# (unit "ratio"), the most that it may be ("most"), or no more than that and no more than a tenth of the best peer's
# ("tenth": whichever is more).
function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/[\001-\037]/, " ", text); return "\"" text "\"" }
function median(key,   n, i, j, t, v, parts) {
  n = split(values[key], parts, " ")
  for (i = 1; i <= n; i++) { v[i] = parts[i] + 0 }
  for (i = 2; i <= n; i++) {
    t = v[i]
    for (j = i - 1; j >= 1 && v[j] > t; j--) { v[j + 1] = v[j] }
    v[j + 1] = t
  }
  return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
# Sets best, top (its value), list (JSON of all) of a row's peers.
function find_best(row, higher,   n, j, who, its) {
  n = split(peers[row], who, " ")
  best = ""; list = ""; top = 0
  for (j = 1; j <= n; j++) {
    its = median(who[j] SUBSEP row)
    list = list (j > 1 ? "," : "") quoted(who[j]) ":" sprintf("%.9g", its)
    if (best == "" || (higher ? its > top : its < top)) { best = who[j]; top = its }
  }
}
function has(key) { return (key in values) }
function number(x) { return sprintf("%.6g", x) }
function ratio_of(own, its, higher) { return own > 0 && its > 0 ? sprintf("%.4g", higher ? own / its : its / own) : "" }
function judge(row, own, ratio,   kind, value, tenth, met) {
  if (!(row in bar)) { words = ""; return "" }
  kind = bar_kind[row]; value = bar[row]
  if (kind == "ratio") { met = ratio != "" && ratio + 0 >= value; words = "ratio >= " value }
  else {
    tenth = kind == "tenth" && top / 10 > value ? top / 10 : value
    met = own <= tenth; words = "<= " number(tenth)
  }
  words = words (met ? ": met" : ": short")
  return sprintf(",\"bar\":{\"kind\":%s,\"value\":%.9g,\"met\":%s}", quoted(kind), value, met ? "true" : "false")
}
NF == 5 && $1 == "bar" { bar[$2 SUBSEP $3] = $4 + 0; bar_kind[$2 SUBSEP $3] = $5; next }
NF == 5 {
  row = $2 SUBSEP $3
  extra = $3 ~ /^(cpu_seconds|rows|read_bytes)$/
  if (!extra && !(row in unit)) { rows[++count] = row; unit[row] = $5 }
  if (extra) { extras[$3] = 1 }
  values[$1 SUBSEP row] = values[$1 SUBSEP row] " " $4
  if ($1 != "grove" && $1 != "prototype" && $1 != "floor" && !(($1 SUBSEP row) in seen)) { seen[$1 SUBSEP row] = 1; peers[row] = peers[row] " " $1 }
}
END {
  if (!count) { print "no results" > "/dev/stderr"; exit 1 }
  for (key in values) { if (key ~ /^(prototype|floor)/) { bound = key; sub(SUBSEP ".*", "", bound) } }
  for (key in bar) { bars = 1 }
  if (json != "") { printf "{\"schema\":1,\"machine\":%s,%s\"results\":[", quoted(machine), load == "" ? "" : "\"load\":" quoted(load) "," > json }
  line = sprintf("%-28s %-11s %14s %-10s %14s %-8s", "benchmark", "metric", "grove", "best peer", "its", "ratio")
  if ("cpu_seconds" in extras) { line = line sprintf(" %10s %-8s", "grove cpu s", "ratio") }
  if ("rows" in extras) { line = line sprintf(" %9s", "M rows/s") }
  if ("read_bytes" in extras) { line = line sprintf(" %8s", "MB/s") }
  if (bound != "") { line = line sprintf(" %14s %-8s", bound, "ratio") }
  print line (bars ? " bar" : "")
  for (i = 1; i <= count; i++) {
    row = rows[i]
    split(row, name, SUBSEP)
    higher = name[2] == "rate"
    mine = has("grove" SUBSEP row)
    own = mine ? median("grove" SUBSEP row) : 0
    more = ""
    cpu = name[1] SUBSEP "cpu_seconds"
    line = ""
    if ("cpu_seconds" in extras) {
      if (name[2] == "seconds" && has("grove" SUBSEP cpu)) {
        its = median("grove" SUBSEP cpu)
        find_best(cpu, 0)
        ratio = ratio_of(its, top, 0)
        line = line sprintf("  %10s %-8s", number(its), ratio == "" ? "-" : ratio)
        more = more sprintf(",\"cpu\":{\"grove\":%.9g,\"peers\":{%s},\"best_peer\":%s,\"ratio\":%s}", its, list,
          best == "" ? "null" : quoted(best), ratio == "" ? "null" : ratio)
      } else { line = line sprintf("  %10s %-8s", "", "") }
    }
    for (k = 1; k <= 2; k++) {
      what = k == 1 ? "rows" : "read_bytes"
      if (!(what in extras)) { continue }
      key = "grove" SUBSEP name[1] SUBSEP what
      its = name[2] == "seconds" && own > 0 && has(key) ? median(key) / own : 0
      line = line sprintf(k == 1 ? " %9s" : " %8s", its > 0 ? sprintf("%.4g", its / 1e6) : "")
      if (its > 0) { more = more sprintf(",\"%s_per_second\":%.9g", k == 1 ? "rows" : "bytes", its) }
    }
    if (bound != "") {
      its = has(bound SUBSEP row) ? median(bound SUBSEP row) : 0
      line = line sprintf(" %14s %-8s", its > 0 ? number(its) : "", its > 0 ? ratio_of(own, its, higher) : "")
      if (its > 0) { more = more sprintf(",\"%s\":%.9g", bound, its) }
    }
    find_best(row, higher)
    ratio = mine && best != "" && name[2] != "mse_error" ? ratio_of(own, top, higher) : ""
    more = more judge(row, own, ratio)
    printf "%-28s %-11s %14s %-10s %14s %-8s%s %s\n", name[1], name[2], mine ? number(own) : "-",
      best == "" ? "-" : best, best == "" ? "-" : number(top), ratio == "" ? "-" : ratio, line, words
    if (json != "") {
      printf "%s{\"benchmark\":%s,\"metric\":%s,\"unit\":%s,\"better\":\"%s\",\"grove\":%s,\"peers\":{%s}", (i > 1 ? "," : ""), quoted(name[1]),
        quoted(name[2]), quoted(unit[row]), (higher ? "higher" : "lower"), (mine ? sprintf("%.9g", own) : "null"), list > json
      printf ",\"best_peer\":%s,\"ratio\":%s%s}", (best == "" ? "null" : quoted(best)), (ratio == "" ? "null" : ratio), more > json
    }
  }
  if (load != "") { print "load: " load }
  if (json != "") { printf "]}\n" > json; close(json) }
}
