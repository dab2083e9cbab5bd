# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Not only writes are sent again, and not only writes wait: discards, zeroes and writes with
# FUA do both.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="discards, zeroes and FUA are sent again, and wait"
# shellcheck disable=SC2034
VARIANTS="discard:fence discard_control:fence zeroes:fence zeroes_control:fence fua:fence fua_control:fence
	discard_waits:fence discard_waits_control:fence zeroes_wait:fence zeroes_wait_control:fence
	fua_waits:fence fua_waits_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# lose WAY BACKING COMMAND...: path 1 is lost with the command, which succeeds on path 2
lose() {
	lose_command "$@"
	succeeds "it succeeds" "$COMMAND"
}

write_plain() { write_block "$DEVICE" 0 B; }

# waits COMMAND...: it does until path 1 is fenced, and is late as is what path 1 was sent
waits() {
	"$@" &
	NEWER=$!
	await 10 eval '[ "$(fence_attr 1 waiting)" = 1 ]' || bail "the newer command does not wait"
	proxy 1 deliver --wait "$IO_CONNECTION"
	sleep 2
	expect_eq "the newer command waits" 1 "$(fence_attr 1 waiting)"
	succeeds "until it may go on" $NEWER
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
}

# expect_sent_again OP COMMAND: as what it is, at once
expect_sent_again() {
	expect_eq "it is tracked" "1 $1" "$(fence_attr 1 tracked) $(field nvme_fence_track op)"
	expect_eq "it was sent once on each path" "1 1" "$(times_sent 1 "$2") $(times_sent 2 "$2")"
	waits write_plain
	expect_eq "the data is there" B "$(read_block "$DEVICE" 0)"
}

# expect_waits LETTER COMMAND...: the block has this letter then
expect_waits() {
	local letter="$1"
	shift
	waits "$@"
	expect_eq "it has come true" "$letter" "$(read_block "$DEVICE" 0)"
}

# expect_destroyed LATE LETTER COMMAND...: the newer command does not wait and has come true,
# so the block has this letter; what path 1 was sent is executed late, and it has the other one.
expect_destroyed() {
	local late="$1" letter="$2"
	shift 2
	check "the newer command succeeds" "$@"
	expect_eq "it has not waited" 0 "$(fence_counter 1 waited)"
	expect_eq "it has come true" "$letter" "$(read_block "$DEVICE" 0)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	expect_eq "executed late, the older one has destroyed it" "$late" "$(read_block "$DEVICE" 0)"
}

variant_discard() {
	plan 8
	lose overlap ramdisk discard_block
	expect_sent_again D "$DISCARD"
}

variant_discard_control() {
	plan 6
	lose off ramdisk discard_block
	expect_destroyed 0 B write_plain
}

variant_zeroes() {
	plan 8
	lose overlap ramdisk zero_block
	expect_sent_again Z "$ZEROES"
}

variant_zeroes_control() {
	plan 6
	lose off ramdisk zero_block
	expect_destroyed 0 B write_plain
}

variant_fua() {
	plan 8
	lose overlap file write_fua
	expect_sent_again W "$FUA"
}

variant_fua_control() {
	plan 6
	lose off file write_fua
	expect_destroyed F B write_plain
}

variant_discard_waits() {
	plan 6
	lose overlap ramdisk write_plain
	expect_waits 0 discard_block
}

variant_discard_waits_control() {
	plan 6
	lose off ramdisk write_plain
	expect_destroyed B 0 discard_block
}

variant_zeroes_wait() {
	plan 6
	lose overlap ramdisk write_plain
	expect_waits 0 zero_block
}

variant_zeroes_wait_control() {
	plan 6
	lose off ramdisk write_plain
	expect_destroyed B 0 zero_block
}

variant_fua_waits() {
	plan 6
	lose overlap file write_plain
	expect_waits F write_fua
}

variant_fua_waits_control() {
	plan 6
	lose off file write_plain
	expect_destroyed B F write_fua
}
