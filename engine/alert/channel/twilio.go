package channel

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// maxSMS is the length of a message in characters of GSM 03.38; one with any
// other character has fewer than half.
const (
	maxSMS        = 160
	maxSMSUnicode = 70
)

// twilioType sends text messages by Twilio (twilio.com/docs/messaging/api). The
// shoutrrr that is used here has no gateway for text messages, so this is no type
// over it; its url is as that of later ones.
func twilioType() uptime.ChannelType {
	return dialect{
		name: "twilio", summary: "sends text messages to phones by Twilio: one of 160 characters a letter",
		form:  "twilio://ACCOUNTSID:TOKEN@+15005550006/+15551230001/+15551230002",
		fixed: true,
		open: func(u *url.URL, _ uptime.ChannelSettings) (service, error) {
			token, _ := u.User.Password()
			account := u.User.Username()
			switch {
			case !accountSID.MatchString(account):
				return service{}, errors.New("an account is AC and 32 hexadecimal digits")
			case token == "":
				return service{}, errors.New("it has no token: that stands between : and @")
			case u.Host == "":
				return service{}, errors.New("it has no sender: a number, a name, or the MG… of a messaging service")
			}
			v := service{each: "phone", secret: []string{token, account, account + ":" + token}}
			for number := range strings.SplitSeq(strings.Trim(u.Path, "/"), "/") {
				if !phoneNumber.MatchString(number) {
					return service{}, errors.New("what follows the sender are numbers as +15551230001")
				}
				if !slices.Contains(v.to, number) {
					v.to = append(v.to, number)
				}
			}
			if v.target = fmt.Sprintf("%d phones by Twilio", len(v.to)); len(v.to) == 1 {
				v.target = "a phone by Twilio"
			}
			head := http.Header{
				"Content-Type":  {"application/x-www-form-urlencoded"},
				"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(account+":"+token))},
			}
			v.send = func(w *wire, l *uptime.Letter, number string) (string, error) {
				fields := url.Values{"To": {number}, "Body": {smsText(l)}, "From": {u.Host}}
				if serviceSID.MatchString(u.Host) {
					fields.Del("From")
					fields.Set("MessagingServiceSid", u.Host)
				}
				a, err := w.ask("POST", "https://api.twilio.com/2010-04-01/Accounts/"+account+"/Messages.json", head, []byte(fields.Encode()))
				if err != nil {
					return "", err
				}
				if err := a.refusal(); err != nil {
					if code := a.field("code"); a.status == http.StatusBadRequest && code != "21617" && code != "21602" { // too long, empty
						err.(*uptime.Refusal).Letter = false // 400 is what it says of a number too
					}
					return "", err
				}
				if a.field("sid") == "" {
					return "", a.strange("Twilio")
				}
				return taken(a, a.field("sid")), nil
			}
			return v, nil
		},
	}.channelType()
}

var (
	accountSID  = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	serviceSID  = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// smsText is the subject of a letter, or what the body template makes, as one message.
func smsText(l *uptime.Letter) string {
	s := title(l)
	if l.Custom {
		s = body(l)
	}
	s = strings.NewReplacer("…", "...", "–", "-", "—", "-", "’", "'", "‘", "'", "“", `"`, "”", `"`, "\u00a0", " ", "\t", " ").Replace(s)
	n, gsm := septets(s)
	switch {
	case gsm && n <= maxSMS:
		return s
	case gsm:
		end, used := 0, len("...")
		for i, r := range s {
			n, _ := septets(string(r))
			if used += n; used > maxSMS {
				break
			}
			end = i + len(string(r))
		}
		return strings.TrimRight(s[:end], " \n") + "..."
	}
	return clip(s, maxSMSUnicode, units)
}

// septets is the length of a text in GSM 03.38, and whether that has all of it.
func septets(s string) (n int, all bool) {
	const (
		basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
		more  = "^{}\\[~]|€"
	)
	for _, r := range s {
		switch {
		case strings.ContainsRune(basic, r):
			n++
		case strings.ContainsRune(more, r):
			n += 2
		default:
			return n, false
		}
	}
	return n, true
}
