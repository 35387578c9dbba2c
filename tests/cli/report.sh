# --report FILE and --plot: what the page has in it, that names are texts in it, and that it wants nothing from elsewhere.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { print "lat,Longitude,\"<script>alert(1)</script>\",\"y & \"\"z\"\" '"'"'\"";
  for (i = 0; i < 400; i++) printf "%g,%g,%d,%g\n", 40 + i % 17 / 10, -120 + i % 5, i % 7, i % 17 + 2 * (i % 5) + i % 3 * 0.2 }' > odd.csv

cat > judge.py <<'PY'
import html.parser, re, sys
text = open(sys.argv[1], encoding='utf-8').read()
class Page(html.parser.HTMLParser):
    void = {'meta', 'link', 'br', 'path', 'line', 'rect'}
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.words = [], {}, []
    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            assert not name.startswith('on'), (tag, name)
            if name in ('src', 'href', 'action'):
                assert value.startswith('data:'), (tag, value)
        if tag not in self.void:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag
    def handle_data(self, data):
        self.words.append(data)
p = Page()
p.feed(text)
assert not p.open, p.open
assert 'script' not in p.tags and 'iframe' not in p.tags, p.tags
assert 'url(' not in text and '@import' not in text
assert not re.search(r'\b(nan|inf)\b', re.sub(r'<style>.*?</style>', '', text)), 'a number that is none'
words = ' '.join(p.words)
for wanted in sys.argv[2:]:
    assert wanted in words, wanted
print(p.tags)
PY
judge() {
  [ -n "$python" ] || return 0
  checks=$((checks + 1))
  "$python" judge.py "$@" > seen 2>&1 || { complain "$said: the page is not in order"; cat seen; }
}
drawn() { # FILE COUNT: so many charts
  checks=$((checks + 1))
  [ "$(grep -c '<svg[^>]*role="img"' "$1")" -eq "$2" ] || complain "$said: $1 should have $2 charts"
}

run 0 train --data odd.csv --model linear --model random_forest --model decision_tree --set random_forest.n_estimators=7 --report r.html -q
# curves, the tree by depth, four of each model, a map
drawn r.html 15
judge r.html 'random_forest' 'Learning curves' '<script>alert(1)</script>' 'y & "z" '"'" 'Importance of the features' 'Map' 'seed' 'n_estimators=7' 'odd.csv'
[ ! -e r.html.part ] || complain "the draft should be gone"
# Without positions there is no map; with folds no rows are left to hold models against.
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 90; i++) printf "%d,%d,%d\n", i % 17, i % 5, i % 17 + 2 * (i % 5) }' > few.csv
run 0 train --data few.csv --model linear --report few.html -q
drawn few.html 4
judge few.html 'linear' 'Predicted against actual'
run 0 train --data few.csv --model linear --folds 3 --report folds.html -q
drawn folds.html 0
judge folds.html 'With folds each model was fitted to all rows'
# One that fails has its row.
run 3 train --data few.csv --model linear --model gradient_boosting --set gradient_boosting.objective=logistic --report part.html -q
judge part.html 'FAILED' 'linear'
# The same models with and without.
run 0 train --data odd.csv --model random_forest --set random_forest.n_estimators=7 --json -q
mv out plain
run 0 train --data odd.csv --model random_forest --set random_forest.n_estimators=7 --json -q --report r.html --plot
says err "MSE on the test part, by trees"
is out 'd["models"][0]["model_hash"] == json.load(open("plain"))["models"][0]["model_hash"]'

run 0 train --data odd.csv --model random_forest --model linear --set random_forest.n_estimators=7 --plot -q
says out "MSE on the test part, by trees"
says out "b random_forest"
says out "  linear"
run 1 train --data few.csv --model linear --report nowhere/r.html -q
says err "--report nowhere/r.html"
finish
