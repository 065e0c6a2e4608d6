package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const watched = "[[monitor]]\nname = \"shop\"\nurl = \"tcp://127.0.0.1:9\"\ntags = [\"prod\"]\n"

func TestAlertTest(t *testing.T) {
	channel := func(path, more string) string {
		return "instance = \"web-1\"\n[[channel]]\nname = \"ops log\"\ntype = \"file\"\npath = \"" + path + "\"\n" + more + watched
	}
	for _, tt := range []struct {
		name   string
		config string // DIR is the folder
		args   []string
		code   int
		says   []string
		wrote  string // the file holds it
	}{
		{"taken", channel("DIR/alerts", ""), []string{"ops log"}, 0,
			[]string{"ops log  file  DIR/alerts\nsubject  ", "appended to DIR/alerts\n", "taken after ", "bytes appended\n"}, `"alert":"test"`},
		{"with a template", channel("DIR/alerts", "body = \"{{.Channel}} of {{.Instance}}\"\n"), []string{"ops log"}, 0, nil, "ops log of web-1\n"},
		{"refused", channel("DIR/nowhere/alerts", ""), []string{"ops log"}, 74, []string{"lookout: channel ops log did not take it, and would not if it were tried again: DIR/nowhere/alerts: no such file or directory\n"}, ""},
		{"refused, as JSON", channel("DIR/nowhere/alerts", ""), []string{"ops log", "--format", "json"}, 74, []string{`"taken":false,"reply":"DIR/nowhere/alerts: no such file or directory","left":[],"permanent":true`}, ""},
		{"mistyped", channel("DIR/alerts", ""), []string{"opslog"}, 64, []string{`there is no channel "opslog"; did you mean ops log?`}, ""},
		{"another", channel("DIR/alerts", ""), []string{"\x1b[31mboss"}, 64, []string{`there is no channel "[31mboss"; there is ops log`}, ""},
		{"none", watched, []string{"ops"}, 64, []string{"the configuration has no [[channel]]"}, ""},
		{"no name", watched, nil, 64, []string{"lookout alert test takes the name of a channel"}, ""},
		{"a bad template", channel("DIR/alerts", "subject = \"{{.Monitr}}\"\n"), []string{"ops log"}, 78, []string{`lookout.toml:6: channel "ops log": subject: line 1:2: an alert has no Monitr. Did you mean "Monitor"?`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			write(t, "lookout.toml", strings.ReplaceAll(tt.config, "DIR", b.dir))
			got := b.call("", append([]string{"alert", "test"}, tt.args...)...)
			text := got.stdout + got.stderr
			if got.code != tt.code {
				t.Errorf("code %d, want %d:\n%s", got.code, tt.code, text)
			}
			for _, s := range tt.says {
				if s = strings.ReplaceAll(s, "DIR", b.dir); !strings.Contains(text, s) {
					t.Errorf("lacks %q:\n%s", s, text)
				}
			}
			wrote, _ := os.ReadFile(filepath.Join(b.dir, "alerts"))
			if !strings.Contains(string(wrote), tt.wrote) || tt.wrote == "" && len(wrote) > 0 {
				t.Errorf("the file holds %q", wrote)
			}
		})
	}
}

// What is printed as JSON is an object with all that the text says.
func TestAlertTestJSON(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "[[channel]]\nname = \"log\"\ntype = \"file\"\npath = \""+b.dir+"/alerts\"\n"+watched)
	got := b.call("", "alert", "test", "log", "--format", "json")
	var tested testedChannel
	if err := json.Unmarshal([]byte(got.stdout), &tested); err != nil || got.code != 0 {
		t.Fatalf("code %d, %v: %s", got.code, err, got.stdout)
	}
	if !tested.Taken || tested.Channel != "log" || tested.Type != "file" || tested.Target != b.dir+"/alerts" || tested.Subject == "" || len(tested.Conversation) != 1 {
		t.Errorf("%+v", tested)
	}
}

// config check says who is told.
func TestConfigCheckTells(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "[[channel]]\nname = \"log\"\ntype = \"file\"\npath = \"/var/log/alerts\"\n"+watched)
	if got := b.call("", "config", "check"); !strings.HasSuffix(got.stdout, "1 channel, 0 routes: each is told of every outage\n  log  file  /var/log/alerts\n") {
		t.Errorf("got %s", got.stdout)
	}
}
