package topology

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// NewPassword draws a password of 128 bits that needs no quoting anywhere.
func NewPassword() string { return rand.Text() }

// HashPassword is what a broker's definitions have instead of a password: the
// salt and the SHA-256 of both, as RabbitMQ documents it. The salt is drawn from
// the password, so that the same plan makes the same file; NewPassword's have
// nothing that a salt would have to hide.
func HashPassword(password string) string {
	drawn := sha256.Sum256([]byte("lookout\x00" + password))
	salt := drawn[:4]
	sum := sha256.Sum256(append(salt[:4:4], password...))
	return base64.StdEncoding.EncodeToString(append(salt[:4:4], sum[:]...))
}
