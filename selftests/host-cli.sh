# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# How the host is told to connect and disconnect, and asked how it is: with nvme-cli, as
# users do. host-fabrics.sh has the same functions.

# host_connect ADDRESS OPTION,...: prints the new controller's name. nvme-cli calls the
# options almost what the kernel calls them.
host_connect() {
	# shellcheck disable=SC2046 # options
	nvme connect --output-format=json --transport=tcp --traddr="$1" --trsvcid=4420 \
		--nqn="$NQN" --hostnqn="$HOSTNQN" --hostid="$HOSTID" \
		$(echo "$2" | tr '_,' '- ' | sed 's/[^ ]*/--&/g') | jq -er .device
}

# host_disconnect CTRL
host_disconnect() { nvme disconnect --device="$1" >/dev/null; }

# host_state CTRL
host_state() {
	nvme list-subsys --output-format=json |
		jq -r --arg ctrl "$1" '.[].Subsystems[].Paths[] | select(.Name == $ctrl).State'
}
