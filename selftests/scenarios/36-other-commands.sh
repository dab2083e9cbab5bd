# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A late discard destroys newer data as a late write does, and so do Write Zeroes, a write
# with FUA and a large write: all that changes the medium is held, and goes on as what it
# was.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="discards, zeroes, FUA and writes of all sizes are held"
# shellcheck disable=SC2034
VARIANTS="discard:fence discard_control:fence zeroes:fence zeroes_control:fence fua:fence fua_control:fence sizes:fence sizes_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

SIZES="4096 8192 16384 65536 262144 524288 1048576"

wait_for_command() { succeeds "it succeeds in the end" "$COMMAND"; }

# expect_held OP COMMAND: what was sent on path 1 is held, as what it is, and goes on as
# the same on path 2. Executed late, it does not destroy what is written then.
expect_held() {
	check "it is held" await 10 eval '[ "$(fence_attr 1 held)" = 1 ]'
	expect_eq "as what it is" "$1" "$(field nvme_fence_hold op)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	wait_for_command
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
	expect_eq "it was sent once on each path" "1 1" "$(times_sent 1 "$2") $(times_sent 2 "$2")"
	check "another block is written" write_block "$DEVICE" 0 B
	sleep 2
	expect_eq "the data is there" B "$(read_block "$DEVICE" 0)"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

# expect_destroyed LETTER COMMAND: it was sent on, and newer data written, before it is executed.
# The block has this letter then.
expect_destroyed() {
	wait_for_command
	expect_eq "it was sent once on each path" "1 1" "$(times_sent 1 "$2") $(times_sent 2 "$2")"
	check "another block is written" write_block "$DEVICE" 0 B
	proxy 1 deliver --wait "$IO_CONNECTION"
	expect_eq "executed late, it has destroyed it" "$1" "$(read_block "$DEVICE" 0)"
}

# Each on its own place
write_all_sizes() {
	local size job jobs=''
	for size in $SIZES; do
		head -c "$size" /dev/zero | tr '\0' X >/tmp/"$size"
		dd if=/tmp/"$size" of="$DEVICE" bs="$size" seek=1 count=1 oflag=direct 2>/dev/null &
		jobs="$jobs $!"
	done
	for job in $jobs; do
		wait "$job" || return
	done
}

# Prints the sizes that are not there
missing_sizes() {
	local size
	for size in $SIZES; do
		dd if="$DEVICE" bs="$size" skip=1 count=1 iflag=direct 2>/dev/null |
			cmp -s - /tmp/"$size" || echo "$size"
	done
}

variant_discard() {
	plan 9
	lose_command time ramdisk discard_block
	expect_held D "$DISCARD"
}

variant_discard_control() {
	plan 5
	lose_command off ramdisk discard_block
	expect_destroyed 0 "$DISCARD"
}

variant_zeroes() {
	plan 9
	lose_command time ramdisk zero_block
	expect_held Z "$ZEROES"
}

variant_zeroes_control() {
	plan 5
	lose_command off ramdisk zero_block
	expect_destroyed 0 "$ZEROES"
}

variant_fua() {
	plan 9
	lose_command time file write_fua
	expect_held W "$FUA"
}

variant_fua_control() {
	plan 5
	lose_command off file write_fua
	expect_destroyed F "$FUA"
}

all_bytes() { echo $(($(echo "$SIZES" | tr ' ' +))); }
all_held() { [ "$(fence_attr 1 held_bytes)" = "$(all_bytes)" ]; }

variant_sizes() {
	plan 6
	lose_command time ramdisk write_all_sizes
	check "all bytes are held" await 10 all_held
	proxy 1 deliver --wait "$IO_CONNECTION"
	wait_for_command
	expect_eq "they were released by time" time "$(fence_attr 1 evidence)"
	expect_eq "all of them" "$(all_bytes)" "$(fence_counter 1 released_bytes)"
	expect_eq "the data is there" "" "$(missing_sizes)"
}

variant_sizes_control() {
	plan 4
	lose_command off ramdisk write_all_sizes
	wait_for_command
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	expect_eq "the data is there" "" "$(missing_sizes)"
}
