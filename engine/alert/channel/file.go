package channel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"lookout/engine/uptime"
)

// fileType appends to a file: a line of JSON for each letter, or what the body
// template makes. The file is opened for each, so that it can be rotated, and it
// is on disk before the letter counts as taken.
func fileType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "file",
		Summary: "appends a line of JSON, or the body, to a file",
		Keys: []uptime.Key{
			{Name: "path", Kind: uptime.PathName, Doc: "of the file; made if it is not there, for its owner alone", Example: `"/var/log/lookout-alerts.jsonl"`},
		},
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			f := form{ChannelSettings: s}
			path := f.text("path", "")
			if !filepath.IsAbs(path) {
				f.wrong("path", `write path = "/the/whole/path"`, "%q is no path from /", uptime.Clean(path, 100))
			}
			return f.done(file(filepath.Clean(path)))
		},
	}
}

// file is the path of one.
type file string

func (f file) Target() string { return string(f) }

func (f file) Send(_ context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	line := append(l.JSON, '\n')
	if l.Custom {
		line = []byte(l.Text + "\n")
	}
	// A pipe without a reader would hold up its opener for ever.
	out, err := os.OpenFile(string(f), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return f.refuse(err)
	}
	defer out.Close()
	fi, err := out.Stat()
	if err != nil {
		return f.refuse(err)
	}
	if !fi.Mode().IsRegular() {
		return uptime.Receipt{}, &uptime.Refusal{Reply: string(f) + " is no file to append to", Permanent: true}
	}
	if n, err := out.Write(line); err != nil {
		if n > 0 { // of half a line the next would become the other half
			out.Truncate(fi.Size())
		}
		return f.refuse(err)
	}
	if err := out.Sync(); err != nil {
		_, err := f.refuse(err)
		err.(*uptime.Refusal).Uncertain = true
		return uptime.Receipt{}, err
	}
	say(fmt.Sprintf("%d bytes appended to %s", len(line), f))
	return uptime.Receipt{Reply: fmt.Sprintf("%d bytes appended", len(line))}, nil
}

func (f file) refuse(err error) (uptime.Receipt, error) {
	reason := err
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		reason = p.Err
	}
	return uptime.Receipt{}, &uptime.Refusal{
		Reply:     fmt.Sprintf("%s: %s", f, reason),
		Permanent: errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR),
	}
}
