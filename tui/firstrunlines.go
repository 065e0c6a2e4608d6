package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// doubted is the line that ctrl-y and ctrl-o are about: the one with the
// cursor, or the one above an empty one.
func (f *firstRun) doubted() (int, *FirstOther) {
	i := f.at
	if i > 0 && lineOf(&f.lines[i]) == "" {
		i--
	}
	line := lineOf(&f.lines[i])
	if line == "" || f.with.Other == nil || f.field != fieldLines {
		return i, nil
	}
	return i, f.with.Other(line)
}

// instead takes the line for what it may have meant.
func (f *firstRun) instead(s *shell, key string) tea.Cmd {
	i, other := f.doubted()
	line := ""
	if other != nil {
		line = other.DNS
		if key == "ctrl+o" {
			line = other.ICMP
		}
	}
	if line == "" {
		s.say("this line can mean one thing only")
		return nil
	}
	f.lines[i].set(line)
	return f.check(s, i)
}

// wrong says why a line cannot be watched, the one that is being typed too.
func (f *firstRun) wrong(line string) error {
	if found, ok := f.found[line]; ok {
		return found.err
	}
	if line != f.typing.line {
		f.typing = firstTyped{line: line}
		if f.with.Wrong != nil && line != "" {
			f.typing.wrong = f.with.Wrong(line)
		}
	}
	return f.typing.wrong
}

// check tries a line that has not been tried as it stands.
func (f *firstRun) check(s *shell, i int) tea.Cmd {
	line := lineOf(&f.lines[i])
	if _, ok := f.found[line]; ok || line == "" {
		return nil
	}
	if err := f.wrong(line); err != nil {
		f.found[line] = firstFound{done: true, err: err}
		return nil
	}
	f.found[line] = firstFound{}
	f.queue = append(f.queue, line)
	return f.next(s)
}

// next starts what waits, as many as may run at once.
func (f *firstRun) next(s *shell) tea.Cmd {
	var cmds []tea.Cmd
	for len(f.queue) > 0 && f.running < firstAtOnce {
		line, check := f.queue[0], f.with.Check
		f.queue = f.queue[1:]
		f.running++
		cmds = append(cmds, s.load(f, func(ctx context.Context) tea.Msg {
			got, err := check(ctx, line)
			return firstCheckMsg{line, got, err}
		}))
	}
	return tea.Batch(cmds...)
}

func lineOf(in *input) string { return strings.TrimSpace(in.text()) }

// wanted is the lines that can be watched, each target once, and how many cannot.
func (f *firstRun) wanted() (lines []string, wrong int) {
	seen := map[string]bool{}
	for i := range f.lines {
		l := lineOf(&f.lines[i])
		if l == "" || seen[l] {
			continue
		}
		seen[l] = true
		if f.wrong(l) != nil {
			wrong++
			continue
		}
		if url := f.found[l].check.URL; url != "" && url != l {
			if seen[url] {
				continue
			}
			seen[url] = true
		}
		lines = append(lines, l)
	}
	return lines, wrong
}

// interval is what was typed as one.
func (f *firstRun) interval() (time.Duration, error) {
	every, err := uptime.ParseDuration(f.every.text())
	if err == nil && every < time.Second {
		err = errors.New("the shortest interval is 1s")
	}
	return every, err
}

// complete is what would be saved, or why it cannot be; the cursor is then
// where it has to be mended.
func (f *firstRun) complete() ([]string, time.Duration, error) {
	lines, wrong := f.wanted()
	if wrong > 0 {
		for i := range f.lines {
			if l := lineOf(&f.lines[i]); l != "" && f.wrong(l) != nil {
				f.at, f.field = i, fieldLines
				return nil, 0, fmt.Errorf("%s: %w", l, f.wrong(l))
			}
		}
	}
	if len(lines) == 0 {
		return nil, 0, errors.New("type or paste at least one address first")
	}
	every, err := f.interval()
	if err != nil {
		f.field = fieldEvery
		return nil, 0, fmt.Errorf("every: %w", err)
	}
	return lines, every, nil
}

// file is what would be written; "" where that is not known, or where there is
// too much of it to make it anew for every screen.
func (f *firstRun) file(lines []string) string {
	every, err := f.interval()
	if err != nil || len(lines) == 0 || len(lines) > 200 {
		return ""
	}
	text, err := f.with.Preview(lines, every)
	if err != nil {
		return ""
	}
	return text
}
