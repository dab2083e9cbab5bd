# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A packet with a command is left where it is when the connection is lost, and its tag is used
# for other commands. When the packet is read, the command in it must still be the one that was
# sent: else it writes where nobody has ever waited for it, and no fence helps.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the tag of a command that was lost is used for others"
# shellcheck disable=SC2034
VARIANTS="fence:fence stock:stock"

# The path's second pair of connections, when it is back
NEW_IO_CONNECTION=4
# Of the queue's 16 two are not for I/O.
TAGS=14

tags_are_used() {
	[ "$(proxy 1 list | sed -n "s/^$NEW_IO_CONNECTION .* kept_for_target=\([0-9]*\) .*/\1/p")" -ge \
		$((TAGS * 4096)) ]
}

# late_packet WAY: with one path, on which a write to block 100 is lost. It is connected again,
# all tags are used for writes, and then the target gets what it was sent. Sets DESTROYED to how
# many of those writes are not there any more.
late_packet() {
	local options=nr_io_queues=1,queue_size=16,keep_alive_tmo=20,reconnect_delay=1 lost block writers=''
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 $options
	DEVICE=$(head_device)
	trace_start
	# As where there are several queues. A scheduler has requests of its own, which are made anew
	# when the path is back.
	echo none >"$(echo /sys/block/nvme*c*n1/queue/scheduler)" || bail "there is a scheduler"
	path_io_timeout 1 3000
	proxy 1 stall "$IO_CONNECTION"
	mkfifo /run/go
	# It keeps its memory as it is until the end.
	{
		head -c 4096 /dev/zero | tr '\0' A
		cat /run/go
	} | dd of="$DEVICE" bs=4096 seek=100 iflag=fullblock oflag=direct 2>/dev/null &
	lost=$!
	await 10 in_state "$(path_ctrl 1)" connecting || bail "path 1 is not lost"
	await 10 in_state "$(path_ctrl 1)" live || bail "path 1 is not back"
	# All of them are under way at once.
	proxy 1 hold $NEW_IO_CONNECTION
	for block in $(seq $TAGS); do
		write_block "$DEVICE" "$block" B &
		writers="$writers $!"
	done
	await 10 tags_are_used || bail "not all tags are used"
	proxy 1 deliver --wait $NEW_IO_CONNECTION
	# shellcheck disable=SC2086 # words
	wait $writers
	# Nothing is read before this: that would use tags.
	proxy 1 hold "$IO_CONNECTION"
	proxy 1 wait host-closed "$IO_CONNECTION"
	proxy 1 deliver --wait "$IO_CONNECTION"
	DESTROYED=0
	for block in $(seq $TAGS); do
		[ "$(read_block "$DEVICE" "$block")" = B ] || DESTROYED=$((DESTROYED + 1))
	done
	: >/run/go
	wait $lost
}

variant_fence() {
	plan 3
	late_packet time
	expect_eq "executed late, it has destroyed nothing else" 0 $DESTROYED
	expect_eq "it was held" 1 "$(fence_counter 1 held)"
	expect_eq "it is written" A "$(read_block "$DEVICE" 100)"
}

variant_stock() {
	plan 1
	late_packet none
	expect_eq "executed late, it has destroyed another write" 1 $DESTROYED
}
