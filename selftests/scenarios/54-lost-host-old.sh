# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The kernel's target forgets losses of which no host has read for an hour.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="an entry of a lost host is dropped after an hour"
# shellcheck disable=SC2034
VARIANTS="fence:fence"
# shellcheck disable=SC2034
TIMEOUT=4000

# entries: how many the log page of path 2 has
entries() {
	nvme get-log "/dev/$(path_ctrl 2)" --log-id=0x1f --log-len=8 --rae --raw-binary |
		head -c 2 | number 2
}

entries_are() { [ "$(entries)" = "$1" ]; }

variant_fence() {
	plan 3
	target_start
	proxy_start 1
	path_connect 1 reconnect_delay=3600
	path_connect_direct 2
	proxy 1 drop >/dev/null
	check "a loss is listed" await 5 entries_are 1
	sleep 3590
	expect_eq "for almost an hour" 1 "$(entries)"
	sleep 15
	expect_eq "and not for longer" 0 "$(entries)"
}
