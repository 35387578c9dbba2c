# Lines "who benchmark metric value unit" to a table on standard output and, with -v json=FILE, a JSON document.
# Several values of one thing are runs: the median counts. "prototype" is no peer but the limit that a throwaway reached, and
# "floor" the least that the work can take: each has a column of its own.
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
NF == 5 {
  row = $2 SUBSEP $3
  if (!(row in unit)) { rows[++count] = row; unit[row] = $5 }
  values[$1 SUBSEP row] = values[$1 SUBSEP row] " " $4
  if ($1 != "grove" && $1 != "prototype" && $1 != "floor" && !(($1 SUBSEP row) in seen)) { seen[$1 SUBSEP row] = 1; peers[row] = peers[row] " " $1 }
}
END {
  if (!count) { print "no results" > "/dev/stderr"; exit 1 }
  for (key in values) { if (key ~ /^(prototype|floor)/) { bound = key; sub(SUBSEP ".*", "", bound) } }
  if (json != "") { printf "{\"schema\":1,\"machine\":%s,\"results\":[", quoted(machine) > json }
  printf "%-28s %-11s %14s %-10s %14s %-8s%s\n", "benchmark", "metric", "grove", "best peer", "its", "ratio",
    bound != "" ? sprintf(" %14s %s", bound, "ratio") : ""
  for (i = 1; i <= count; i++) {
    row = rows[i]
    split(row, name, SUBSEP)
    higher = name[2] == "rate"
    mine = (("grove" SUBSEP row) in values)
    own = mine ? median("grove" SUBSEP row) : 0
    n = split(peers[row], who, " ")
    best = ""; list = ""
    for (j = 1; j <= n; j++) {
      its = median(who[j] SUBSEP row)
      list = list (j > 1 ? "," : "") quoted(who[j]) ":" sprintf("%.9g", its)
      if (best == "" || (higher ? its > top : its < top)) { best = who[j]; top = its }
    }
    ratio = ""
    if (mine && best != "" && own > 0 && top > 0 && name[2] != "mse_error") { ratio = sprintf("%.4g", higher ? own / top : top / own) }
    limit = ""; its = 0
    if ((bound SUBSEP row) in values) { its = median(bound SUBSEP row) }
    if (its > 0 && own > 0) { limit = sprintf(" %14.6g %.4g", its, higher ? own / its : its / own) }
    printf "%-28s %-11s %14s %-10s %14s %-8s%s\n", name[1], name[2], mine ? sprintf("%.6g", own) : "-",
      best == "" ? "-" : best, best == "" ? "-" : sprintf("%.6g", top), ratio == "" ? "-" : ratio, limit
    if (json != "") {
      line = sprintf("%s{\"benchmark\":%s,\"metric\":%s,\"unit\":%s,\"better\":\"%s\",\"grove\":%s,\"peers\":{%s}",
        (i > 1 ? "," : ""), quoted(name[1]), quoted(name[2]), quoted(unit[row]), (higher ? "higher" : "lower"),
        (mine ? sprintf("%.9g", own) : "null"), list)
      line = line sprintf(",\"best_peer\":%s,\"ratio\":%s}", (best == "" ? "null" : quoted(best)), (ratio == "" ? "null" : ratio))
      if (its > 0) { sub(/}$/, sprintf(",\"%s\":%.9g}", bound, its), line) }
      printf "%s", line > json
    }
  }
  if (json != "") { printf "]}\n" > json; close(json) }
}
