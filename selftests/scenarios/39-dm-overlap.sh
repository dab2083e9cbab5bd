# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Request-based dm-multipath takes its requests back when they fail, so a write that is lost
# with path 1 can not be held. What dm sends to path 2 then is newer, and so is everything
# that follows: it waits where requests for path 2 are set up, until path 1 is fenced.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="what request-based dm-multipath sends again waits for the first copy"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence direct:fence alone:fence stock:stock"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

BLOCKS=131072

# lose WAY: path 1 swallows a write of G to block 0, which dm is told that it has failed
lose() {
	local device
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2 nr_io_queues=1,keep_alive_tmo=20
	trace_start
	path_io_timeout 1 3000
	for device in /dev/nvme0n1 /dev/nvme1n1; do
		await 5 dd if="$device" of=/dev/null count=1 || bail "$device can not be read"
	done
	dmsetup create map --noudevsync --uuid mpath-lab \
		--table "0 $BLOCKS multipath 3 queue_if_no_path queue_mode rq 0 2 1 round-robin 0 1 1 /dev/nvme0n1 1 round-robin 0 1 1 /dev/nvme1n1 1" ||
		bail "no map"
	DEVICE=/dev/dm-0
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold 2
	proxy 1 refuse
	write_block "$DEVICE" 0 G &
	FIRST=$!
	proxy 1 wait host-closed 2
	sleep 2
}

sent_on_path_2() { trace_count " nvme_setup_cmd: nvme1: .*nvme_cmd_write slba=$(($1 * 8)),"; }

unmap() { dmsetup remove map --noudevsync; }

deliver() { proxy 1 deliver --wait 2; }

variant_fence() {
	plan 9
	lose time
	expect_eq "its blocks are tracked" "1 8" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks)"
	expect_eq "it is not sent again" 0 "$(sent_on_path_2 0)"
	check "another write by path 2 does not wait" write_block /dev/nvme1n1 100 X
	check "nor does a read" eval '[ "$(read_block /dev/nvme1n1 0)" = A ]'
	deliver
	succeeds "it is sent again in the end" $FIRST
	check "what is newer follows" write_block "$DEVICE" 0 N
	expect_eq "and stays" N "$(read_block "$DEVICE" 0)"
	expect_eq "path 1 was fenced by time" time "$(fence_attr 1 evidence)"
	unmap
}

# lose_to_ghost WAY
lose_to_ghost() {
	lose "$1"
	succeeds "the write is sent again at once" $FIRST
	check "what is newer follows" write_block "$DEVICE" 0 N
	deliver
	expect_eq "the ghost write is there" G "$(read_block "$DEVICE" 0)"
	unmap
}

variant_control() {
	plan 5
	lose_to_ghost off
	expect_eq "nothing was tracked" 0 "$(fence_counter 1 tracked)"
}

variant_stock() {
	plan 4
	# This kernel complains about a queue that sleeps, see 39-dm-multipath.
	dmesg -n 1
	lose_to_ghost none
}

# Who writes past dm waits as well, with what follows in that queue.
variant_direct() {
	plan 5
	lose time
	write_block /dev/nvme1n1 0 N &
	NEWER=$!
	sleep 5
	deliver
	check "a write past dm waits" kill -0 $NEWER
	expect_eq "and is not sent" 0 "$(sent_on_path_2 0)"
	succeeds "it is sent in the end" $NEWER
	succeeds "so is the one that was lost" $FIRST
	unmap
}

# Without a module all writes wait.
variant_alone() {
	plan 4
	lose none
	write_block /dev/nvme1n1 100 X &
	OTHER=$!
	sleep 5
	deliver
	check "another block waits, too" kill -0 $OTHER
	succeeds "it is sent in the end" $OTHER
	succeeds "so is the one that was lost" $FIRST
	unmap
}
