package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"blank", "\n \t\n", ""},
		{"top only", "a = 1\n", ":1"},
		{"comment only", "# [x]\n", ":1"},
		{"tables belong to the monitor before", "[[monitor]]\n[monitor.expect]\n[[monitor]]\n[[monitor.expect.json]]\n", "monitor:1 monitor:3"},
		{"also with others between", "[[monitor]]\n[log]\n[monitor.expect]\n[[page]]\n", "monitor:1,3 log:2 page:4"},
		{"tables of one name are one", "[defaults]\na = 1\n[defaults.tag.x]\n[log]\n[defaults.tag.y]\n", "defaults:1,5 log:4"},
		{"quoted name", "[\"a.b\".c]\n['d']\n", "a.b:1 d:2"},
		{"in strings", "a = '''\n[x]\n'''\nb = \"\"\"\n[y]\\\"\"\"\n[z]\n\"\"\"\n[c]\n", ":1 c:8"},
		{"strings that end in quotes", "a = \"\"\"x\"\"\"\"\"\n[b]\n", ":1 b:2"},
		{"in arrays", "a = [\n[1],\n[[2]],\n['x'],\n[\n3\n] # ]\n]\n[b]\n", ":1 b:9"},
		{"in inline tables", "a = { b = [\n1,\n],\n c = { d = '}' } }\n[e]\n", ":1 e:5"},
		{"not closed", "[a]\nx = [ 1,\n[b]\ny = { z = 1\n[[c]] # d\n", "a:1! b:3! c:5"},
		{"not closed, values like headers", "[a]\nx = [\n[true]\n[nan]\n[2]\n['x']\n[b]\n", "a:1! b:7"},
		{"never closed", "[a]\nx = '''\n[b]\n", "a:1!"},
		{"bad headers", "[a\n[[b]\n[c] d\n[]\n", "a:1! b:2! c:3! :4!"},
		{"crlf", "a = 1\r\n[b]\r\nc = [\r\n1 ]\r\n[d]\r\n", ":1 b:2 d:5"},
		{"blanks", "  [ a . b ]  \n\t[[ c ]]# x\n", "a:1 c:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, b := range cut(&file{}, c.text) {
				var lines []string
				for _, p := range b.pieces {
					lines = append(lines, fmt.Sprint(p.line))
				}
				s := b.name + ":" + strings.Join(lines, ",")
				if len(b.faults) > 0 {
					s += "!"
				}
				got = append(got, s)
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
		})
	}
}

func TestBlockLine(t *testing.T) {
	b := cut(&file{}, `# a comment
[[monitor]]
name = "x"
headers = { a = "1",
  b = { c = 1 } }
[monitor.expect]
status = ["200"]
dotted.key = 1
[[monitor.expect.json]]
path = "$"
[log]
[monitor.late]
x = 1
`)
	i := slices.IndexFunc(b, func(b *block) bool { return b.name == "monitor" })
	for _, c := range []struct {
		path string
		want int
	}{
		{"monitor", 2}, {"monitor name", 3}, {"monitor headers a", 4}, {"monitor headers b c", 5}, {"monitor headers nothing", 4},
		{"monitor expect", 6}, {"monitor expect status", 7}, {"monitor expect dotted key", 8}, {"monitor expect json path", 10},
		{"monitor late x", 13}, {"monitor nothing", 2}, {"other", 2},
	} {
		if got := b[i].line(strings.Fields(c.path)...); got != c.want {
			t.Errorf("%s is at %d, want %d", c.path, got, c.want)
		}
	}
	for src, want := range map[int]int{1: 2, 9: 10, 10: 12, 11: 13, 99: 13} {
		if got := b[i].fileLine(src); got != want {
			t.Errorf("line %d of the source is line %d of the file, want %d", src, got, want)
		}
	}
}

// FuzzCut: a file is cut without loss, in order, and its blocks name lines of it.
func FuzzCut(f *testing.F) {
	f.Add("[[monitor]]\nname = \"x\"\n[monitor.expect]\na = [\n[1]]\n[b]\n")
	f.Add("a = '''\n[x\n")
	f.Add("a={b={c=[{d=\"\\\"\n[e]\n")
	f.Add("[a.'b'.\"c\"]\r\n\"\" = 1")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		var pieces []piece
		for _, b := range cut(&file{}, text) {
			pieces = append(pieces, b.pieces...)
			for _, x := range b.faults {
				if x.line < 1 || x.line > lines || x.message == "" {
					t.Errorf("fault %+v of %d lines", x, lines)
				}
			}
			b.index()
			for _, line := range b.lines {
				if line < 1 || line > lines {
					t.Errorf("line %d of %d", line, lines)
				}
			}
			n := strings.Count(b.source(), "\n")
			for _, l := range []int{0, 1, n, n + 1} {
				if at := b.fileLine(l); at < 1 || at > lines {
					t.Errorf("source line %d is line %d of %d", l, at, lines)
				}
			}
		}
		slices.SortFunc(pieces, func(a, b piece) int { return a.line - b.line })
		var whole strings.Builder
		for _, p := range pieces {
			whole.WriteString(p.text)
		}
		if dropped, ok := strings.CutSuffix(text, whole.String()); !ok || strings.Trim(dropped, " \t\r\n") != "" {
			t.Errorf("cut %q to %q", text, whole.String())
		}
	})
}
