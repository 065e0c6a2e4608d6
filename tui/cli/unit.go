package cli

import "strings"

// unit is the systemd unit that `lookout engine --print-unit` prints; the
// reasons stand beside the lines, for whoever has to trust them.
const unit = `# lookout.service: put it into /etc/systemd/system, then
#   systemctl daemon-reload && systemctl enable --now lookout
# Reads /etc/lookout/lookout.toml, keeps its data in /var/lib/lookout.

[Unit]
Description=lookout uptime monitor
# Not network-online.target: lookout tells by itself whether it is online, and
# says "unknown" instead of "down" until it is.
After=network.target

[Service]
# READY=1 is sent once the first tick is scheduled and the socket answers.
Type=notify
ExecStart=@EXE@ engine --config /etc/lookout/lookout.toml
# It is over when the new configuration is in force, and fails with what is wrong
# with one that is not. (notify-reload would not, and needs systemd 253.)
ExecReload=@EXE@ reload --config /etc/lookout/lookout.toml
Restart=on-failure
RestartSec=2
# A mistake in the configuration, a folder in use, and a usage error do not go
# away by trying again.
RestartPreventExitStatus=64 73 77 78
# The loop that checks reports that it turns; a hung one is started again.
WatchdogSec=60
# SIGTERM finishes the running tick, which takes no longer than a check.
TimeoutStopSec=90

# A user of its own, made for the time that the service runs; its data folder
# is /var/lib/lookout, 0700. It must be able to read /etc/lookout, so secrets
# are better kept out of there: LoadCredential=shop:/etc/credstore/shop makes
# ${secret:shop} of a file that only root can read.
DynamicUser=yes
StateDirectory=lookout
StateDirectoryMode=0700
ConfigurationDirectory=lookout
UMask=0077
# With [broker]: handed over like this, its files are found by their names, and on
# disk they stay root's alone. What else is in /etc/lookout it has to be able to read.
#LoadCredential=broker.pass:/etc/lookout/engine/broker.pass
#LoadCredential=client.key:/etc/lookout/engine/client.key
#LoadCredential=signing.key:/etc/lookout/engine/signing.key

` + confined

// unitFor is the unit for a program at a path.
func unitFor(exe string) string { return strings.ReplaceAll(unit, "@EXE@", exe) }
