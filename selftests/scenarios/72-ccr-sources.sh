# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There are several sources for a Cross-Controller Reset: which one is asked first, and
# which one next if the first does not help.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the choice of the source of a Cross-Controller Reset"
# shellcheck disable=SC2034
VARIANTS="dies:fence silent:fence other_port:fence optimized:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# third_path ADDRESS: path 3, which ends at this address
third_path() { connect_to 3 "$1" "keep_alive_tmo=20${2:+,$2}"; }

# asked: the controllers that were asked, in one line
asked() {
	sed -nE 's/.* nvme_fence_reset: .* source=(nvme[0-9]+) .* step=asked$/\1/p' "$TRACE/trace" |
		tr '\n' ' ' | sed 's/ $//'
}

# It dies when it has taken the command, and before it has done anything.
variant_dies() {
	plan 5
	ccr_scene auto --listen 127.0.0.3:4420
	third_path 127.0.0.3
	scripted_target rule 'ccr times=1 : disconnect=before-execution' >/dev/null
	ccr_lose_path_1
	by_reset 0 300
	expect_eq "the next one was asked" "$(path_ctrl 2) $(path_ctrl 3)" "$(asked)"
}

# A command that is not answered may cost the path that it was sent on, so the next one is
# asked when it was given up, and not beside it.
variant_silent() {
	plan 5
	ccr_scene auto --listen 127.0.0.3:4420
	third_path 127.0.0.3
	scripted_target rule 'ccr times=1 : ignore=until-abort' >/dev/null
	ccr_lose_path_1
	by_reset 31000 38000
	expect_eq "then a second one was asked" "$(path_ctrl 2) $(path_ctrl 3)" "$(asked)"
}

# Path 2 is connected to the address of path 1, and path 3 to another one.
variant_other_port() {
	plan 5
	PATH_2_ADDRESS=127.0.0.1 PATH_2_OPTIONS=duplicate_connect
	ccr_scene auto
	third_path 127.0.0.2
	ccr_lose_path_1 'cntlid=1'
	by_reset 0 100
	expect_eq "the one with another address was asked" "$(path_ctrl 3)" "$(asked)"
}

variant_optimized() {
	plan 5
	ccr_scene auto --listen 127.0.0.3:4420
	third_path 127.0.0.3
	scripted_target ana 2 non-optimized
	await 5 eval '[ "$(cat "/sys/class/nvme/$(path_ctrl 2)"/nvme*/ana_state)" = non-optimized ]'
	ccr_lose_path_1
	by_reset 0 100
	expect_eq "the one with the optimized path was asked" "$(path_ctrl 3)" "$(asked)"
}

variant_control() {
	plan 2
	ccr_scene off
	ccr_lose_path_1
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
