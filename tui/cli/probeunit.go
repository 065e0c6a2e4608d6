package cli

import "strings"

// probeUnit is the systemd unit that `lookout probe --print-unit` prints.
const probeUnit = `# lookout-probe.service: put it into /etc/systemd/system, then
#   systemctl daemon-reload && systemctl enable --now lookout-probe
# Reads the folder that lookout remote init made, copied to /etc/lookout-probe,
# root's alone (chmod -R go= /etc/lookout-probe); keeps results that wait and
# what it was told in /var/lib/lookout-probe.

[Unit]
Description=lookout probe
# Not network-online.target: it dials until it gets through, and tells by itself
# whether this machine is online.
After=network.target

[Service]
# READY=1 is sent once the spool is open and what it was told is in force again.
Type=notify
# Each file is handed over at the start, so that root alone can read them on disk.
# Leave out those that your folder has not.
LoadCredential=probe.toml:/etc/lookout-probe/probe.toml
LoadCredential=broker.pass:/etc/lookout-probe/broker.pass
LoadCredential=ca.pem:/etc/lookout-probe/ca.pem
LoadCredential=client.pem:/etc/lookout-probe/client.pem
LoadCredential=client.key:/etc/lookout-probe/client.key
# A secret of a check, ${secret:shop} in the engine's configuration:
#LoadCredential=shop:/etc/credstore/shop
ExecStart=@EXE@ probe --config ${CREDENTIALS_DIRECTORY}/probe.toml
Restart=on-failure
RestartSec=2
# A mistake in the file, a folder in use, and a usage error do not go away by
# trying again.
RestartPreventExitStatus=64 73 77 78
# The loop that decides what to check reports that it turns; a hung one is started again.
WatchdogSec=60
# SIGTERM cancels what is checked, sends what there is, and says goodbye.
TimeoutStopSec=20

# A user of its own, made for the time that the service runs.
DynamicUser=yes
StateDirectory=lookout-probe
StateDirectoryMode=0700
UMask=0077

` + confined

// probeUnitFor is the unit of a probe for a program at a path.
func probeUnitFor(exe string) string { return strings.ReplaceAll(probeUnit, "@EXE@", exe) }
