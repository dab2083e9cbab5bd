# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A zoned namespace. The block layer lets one write to a zone go at a time; the others wait
# in a plug that belongs to the path's queue. When that path is lost, they all have to leave
# the plug behind. This is about a fix of its own, which needs no module
# (drivers/nvme/patches/*/fixes).

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="writes to a zone go on on the other path"
# shellcheck disable=SC2034
VARIANTS="fixed:fence held:fence stock:stock round_robin:stock"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_fixed="nvme_core.fence=0"

zoned_scene() {
	target_start_zoned
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	write_block "$DEVICE" 0 A || bail "path 1 does not write"
}

# plug N: path N's plug of the first zone: its references and where the next write has to go
plug() {
	sed -nE '/^Zone no: 0,/s/.* ref: ([0-9]+),.* wp ofst: ([0-9]+),.*/\1 \2/p' \
		/sys/kernel/debug/block/nvme*c"$(path_instance "$1")"n1/zone_wplugs
}

path_instance() { path_ctrl "$1" | tr -dc 0-9; }

# lose_two_writes: path 1 swallows the first one, the second one waits in the plug. Their
# statuses.
lose_two_writes() {
	local first second
	proxy 1 hold
	proxy 1 refuse
	write_block "$DEVICE" 1 B &
	first=$!
	sleep 1
	write_block "$DEVICE" 2 C &
	second=$!
	wait $first
	first=$?
	wait $second
	echo "$first $?"
}

# written N: what is in the first N blocks
written() {
	local block
	for block in $(seq 0 $(($1 - 1))); do
		read_block "$DEVICE" "$block"
	done
}

variant_fixed() {
	plan 7
	zoned_scene none
	expect_eq "both writes succeed" "0 0" "$(lose_two_writes)"
	expect_eq "each is where it belongs" ABC "$(written 3)"
	expect_eq "path 1's plug is referenced by nobody else" 1 "$(plug 1 | cut -d ' ' -f 1)"
	expect_eq "path 2's plug neither, and it knows the next block" "1 24" "$(plug 2)"
	check "another write goes on" write_block "$DEVICE" 3 D
	expect_eq "behind them" ABCD "$(written 4)"
	path_disconnect 2
	check "path 2 can be taken away" eval '! file_exists /sys/class/nvme/$(path_ctrl 2)'
}

# The second write was not sent. It must not overtake the first one nevertheless: path 2 would
# fail both, the second as it is misplaced, the first as that has made the plug lose its place.
variant_held() {
	plan 8
	zoned_scene time
	expect_eq "both writes succeed" "0 0" "$(lose_two_writes)"
	expect_eq "they were held" 2 "$(fence_counter 1 held)"
	expect_eq "and released by time" time "$(fence_attr 1 evidence)"
	expect_eq "each is where it belongs" ABC "$(written 3)"
	expect_eq "path 1's plug is referenced by nobody else" 1 "$(plug 1 | cut -d ' ' -f 1)"
	expect_eq "path 2's plug neither, and it knows the next block" "1 24" "$(plug 2)"
	check "another write goes on" write_block "$DEVICE" 3 D
	expect_eq "behind them" ABCD "$(written 4)"
}

# A write that was plugged on path 1 passes for plugged on path 2. So it is sent without a
# reference to the queue, and drops one later.
variant_stock() {
	plan 4
	# This kernel complains, which is what is expected.
	dmesg -n 1
	# Nor can path 2 be taken away any more.
	# shellcheck disable=SC2317 # the end of the scenario calls it
	put_away() { :; }
	zoned_scene none
	proxy 1 hold
	proxy 1 refuse
	check "the write succeeds" write_block "$DEVICE" 1 B
	check "the kernel warns that path 2 has no plug" \
		eval 'dmesg | grep -q "WARNING: block/blk-zoned.c.* blk_zone_write_plug_init_request"'
	expect_eq "path 1's plug is still referenced" 2 "$(plug 1 | cut -d ' ' -f 1)"
	echo 1 >"/sys/class/nvme/$(path_ctrl 2)/delete_controller" &
	sleep 1
	check "the references to path 2's queue do not add up" \
		eval 'dmesg | grep -q "percpu ref (blk_queue_usage_counter_release) <= 0"'
}

# What is not repaired: each path has plugs of its own, which do not know what was written
# through the other one. Nothing is lost here.
variant_round_robin() {
	plan 4
	zoned_scene none
	await 5 path_optimized 1 || bail "path 1 is not optimized"
	await 5 path_optimized 2 || bail "path 2 is not optimized"
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	check "path 1 goes on" write_block "$DEVICE" 1 B
	check "then path 2" write_block "$DEVICE" 2 C
	check "but path 1 does not any more" eval '! write_block "$DEVICE" 3 D'
	expect_eq "it still wants to write behind its own last write" 16 "$(plug 1 | cut -d ' ' -f 2)"
}
