package channel

import (
	"slices"
	"strings"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/alert/channel/postfixtest"
	"lookout/engine/uptime"
)

// A real mail server takes what we send, keeps what we mean apart from what a
// hostile text wants, and is understood when it refuses.
func TestEmailPostfix(t *testing.T) {
	p := postfixtest.Start(t, "ops", "jo", postfixtest.Busy)
	login := func(password string) values {
		return values{"smtp": "smtp+starttls://" + p.Address(), "username": postfixtest.User, "password": uptime.Secret(password), "ca_file": p.CA}
	}
	tests := []struct {
		name   string
		values values
		to     []string
		reply  string // a part of it
		left   []string
		want   *uptime.Refusal
	}{
		{"in the open", values{"smtp": "smtp://" + p.Address()}, []string{"ops@example.com"}, "250 2.0.0 Ok: queued as", nil, nil},
		{"with a login", login(postfixtest.Password), []string{"ops@example.com", "jo@example.com"}, "250 2.0.0 Ok: queued as", nil, nil},
		{"with a wrong login", login("wrong"), []string{"ops@example.com"}, "", nil, &uptime.Refusal{Reply: "535 5.7.8 Error: authentication failed", Permanent: true}},
		{"one of two", login(postfixtest.Password), []string{"ops@example.com", "nobody@example.com"}, "250 2.0.0 Ok: queued as", []string{"nobody@example.com"}, nil},
		{"one of two for now", login(postfixtest.Password), []string{"ops@example.com", "slow@example.com"}, "250 2.0.0 Ok: queued as", []string{"slow@example.com"}, nil},
		{"nobody", login(postfixtest.Password), []string{"nobody@example.com"}, "", nil, &uptime.Refusal{Reply: "550 5.1.1 <nobody@example.com>: Recipient address rejected", Permanent: true}},
		{"nobody for now", login(postfixtest.Password), []string{"slow@example.com"}, "", nil, &uptime.Refusal{Reply: "450 4.2.0 <slow@example.com>: Recipient address rejected: mailbox is busy"}},
		{"elsewhere", values{"smtp": "smtp://" + p.Address()}, []string{"ops@example.org"}, "", nil, &uptime.Refusal{Reply: "Relay access denied", Permanent: true}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.values["to"] = tt.to
			r, refusal, said := sendMail(t, nil, tt.values, channeltest.Letter(i))
			if tt.want != nil {
				if refusal == nil || !strings.Contains(refusal.Reply, tt.want.Reply) {
					t.Fatalf("%+v %+v\n%s", r, refusal, said)
				}
				if refusal.Reply = tt.want.Reply; *refusal != *tt.want {
					t.Errorf("%+v, want %+v", refusal, tt.want)
				}
				return
			}
			if refusal != nil || !strings.Contains(r.Reply, tt.reply) || !slices.Equal(r.Left, tt.left) {
				t.Errorf("%+v %+v\n%s", r, refusal, said)
			}
			if strings.Contains(said, postfixtest.Password) {
				t.Errorf("the password is said:\n%s", said)
			}
		})
	}
	l := channeltest.Letter(99)
	l.Subject = "DOWN Käse\r\nBcc: jo@example.com\r\n\r\nX-Pwned: yes"
	l.Text = "X-Pwned: yes\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<jo@example.com>\r\nDATA\r\nsmuggled\r\n.\r\n" + strings.Repeat("x", 5000)
	if _, refusal, said := sendMail(t, nil, values{"smtp": "smtp://" + p.Address(), "to": []string{"ops@example.com"}}, l); refusal != nil {
		t.Fatalf("%+v\n%s", refusal, said)
	}
	mails, jo := p.Mails(t, "ops"), p.Mails(t, "jo")
	if len(mails) != 5 || len(jo) != 1 {
		t.Errorf("%d mails for ops, want 5, and %d for jo, want 1", len(mails), len(jo))
	}
	for _, m := range mails {
		head, _, _ := strings.Cut(m, "\n\n")
		if strings.Contains(head, "\nX-Pwned") || strings.Contains(head, "\nBcc") || !strings.Contains(head, "\nMessage-ID: <") {
			t.Errorf("%s", head)
		}
	}
}
