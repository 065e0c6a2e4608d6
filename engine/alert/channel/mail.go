package channel

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"lookout/engine/uptime"
)

// compose writes a letter as a mail. All of it is ASCII in short lines, so
// that no server on the way has to change or can refuse it, and it is the same
// whenever it is made.
func (e email) compose(l *uptime.Letter) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	from := e.from
	m.FromMailAddress(&from)
	var to []*mail.Address
	for i := range e.to {
		a := e.to[i]
		to = append(to, &a)
	}
	m.ToMailAddress(to...)
	m.Subject(encoded(l.Subject))
	m.SetDateWithValue(l.Time)
	m.SetMessageIDWithValue(messageID(l.ID))
	if l.Thread != "" {
		// Nothing has this ID: mail programs put together what answers the same.
		m.SetGenHeader(gomail.HeaderInReplyTo, "<"+messageID("thread-"+l.Thread)+">")
		m.SetGenHeader(gomail.HeaderReferences, "<"+messageID("thread-"+l.Thread)+">")
	}
	// No answers of holiday programs, please (RFC 3834).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderPrecedence, "bulk")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	m.SetGenHeader("X-Lookout-Alert", string(l.Kind)) // to filter by
	if l.Urgent {
		m.SetImportance(gomail.ImportanceHigh)
	}
	m.SetBodyString(gomail.TypeTextPlain, l.Text+"\n")
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return b.Bytes(), nil
}

// encoded is a subject in encoded words (RFC 2047) where it has to be: short
// ones, since go-mail leaves the first line of the header empty before a long
// one. It takes apart what somebody else would have a mail program decode.
func encoded(s string) string {
	s = strings.ReplaceAll(s, "=?", "= ?")
	if ascii(s) {
		return s
	}
	const most = 60
	var words []string
	word := ""
	for _, r := range s {
		if len(mime.QEncoding.Encode("utf-8", word+string(r)+"é")) > most {
			words, word = append(words, word), ""
		}
		word += string(r)
	}
	words = append(words, word)
	for i, w := range words {
		if ascii(w) { // the encoder would leave it alone, and its spaces be lost between two words
			w = "=?utf-8?q?" + strings.NewReplacer(" ", "_", "=", "=3D", "?", "=3F", "_", "=5F").Replace(w) + "?="
		} else {
			w = mime.QEncoding.Encode("utf-8", w)
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// messageID makes an ID of the form left@right.
func messageID(id string) string {
	left, right, ok := strings.Cut(id, "@")
	right = strings.ReplaceAll(right, "@", ".")
	if left == "" {
		left = "lookout"
	}
	if !ok || right == "" {
		right = "lookout.invalid"
	}
	return left + "@" + right
}
