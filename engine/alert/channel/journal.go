package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// journalSocket is where systemd's journal listens.
const journalSocket = "/run/systemd/journal/socket"

// journalType writes to systemd's journal, with fields to search by:
// journalctl LOOKOUT_KIND=opened. It has no receipts: what was handed over
// counts as taken.
func journalType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "journal",
		Summary: "writes to systemd's journal, with LOOKOUT_ID, LOOKOUT_KIND, LOOKOUT_TEXT as fields",
		Keys: []uptime.Key{
			{Name: "socket", Kind: uptime.String, Doc: "of the journal; default " + journalSocket, Example: `"` + journalSocket + `"`},
		},
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			f := form{ChannelSettings: s}
			path := f.text("socket", journalSocket)
			if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
				f.wrong("socket", "", "%q is no path from /", uptime.Clean(path, 100))
			}
			return f.done(journal(path))
		},
	}
}

// journal is the path of its socket.
type journal string

func (j journal) Target() string { return "journal of this machine" }

func (j journal) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unixgram", string(j))
	if err != nil {
		return uptime.Receipt{}, &uptime.Refusal{Reply: string(j) + ": " + plainError(err)}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	entry := journalEntry(l)
	say("> " + loggedLine(l))
	if _, err := conn.Write(entry); err != nil {
		r := &uptime.Refusal{Reply: string(j) + ": " + plainError(err)}
		if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			r.Reply = string(j) + " does not take it in time"
		}
		return uptime.Receipt{}, r
	}
	return uptime.Receipt{Reply: fmt.Sprintf("%d bytes handed over", len(entry))}, nil
}

// journalEntry is a letter as the journal reads one (systemd, Native Journal
// Protocol): every field as NAME, a line feed, the length of its value in 64
// bits, little-endian, the value and a line feed. In that form a value may hold
// lines, and none of them is taken for a field.
func journalEntry(l *uptime.Letter) []byte {
	var b bytes.Buffer
	for _, f := range [...]struct{ name, value string }{
		{"MESSAGE", loggedLine(l)},
		{"PRIORITY", fmt.Sprint(severity(l))},
		{"SYSLOG_IDENTIFIER", "lookout"},
		{"LOOKOUT_ID", l.ID},
		{"LOOKOUT_THREAD", l.Thread},
		{"LOOKOUT_KIND", string(l.Kind)},
		{"LOOKOUT_TEXT", l.Text},
	} {
		if f.value == "" {
			continue
		}
		b.WriteString(f.name + "\n")
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(f.value))))
		b.WriteString(f.value + "\n")
	}
	return b.Bytes()
}
