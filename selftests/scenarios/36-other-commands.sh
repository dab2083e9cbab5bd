# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A late discard destroys newer data as a late write does, and so does a large write: all
# that changes the medium is held.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="discards and writes of all sizes are held"
# shellcheck disable=SC2034
VARIANTS="discard:fence discard_control:fence sizes:fence sizes_control:fence"

IO_CONNECTION=2
SIZES="4096 8192 16384 65536 262144 524288 1048576"

# lose MODE COMMAND...: path 1 is lost with the command, which goes on in the background
lose() {
	scene_set "$1" keep_alive_tmo=20
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	shift
	"$@" &
	COMMAND=$!
	proxy 1 wait host-closed $IO_CONNECTION
	sleep 2
}

wait_for_command() {
	local status=0
	wait "$COMMAND" || status=$?
	expect_eq "it succeeds in the end" 0 $status
}

discard_block() { blkdiscard -o 0 -l 4096 "$DEVICE"; }

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
	plan 8
	lose time discard_block
	expect_eq "the discard is held" 1 "$(fence_attr 1 held)"
	expect_eq "as what it is" D "$(field nvme_fence_hold op)"
	proxy 1 deliver --wait $IO_CONNECTION
	wait_for_command
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
	check "another block is written" write_block "$DEVICE" 0 B
	sleep 2
	expect_eq "the data is there" B "$(read_block "$DEVICE" 0)"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

variant_discard_control() {
	plan 4
	lose off discard_block
	wait_for_command
	check "another block is written" write_block "$DEVICE" 0 B
	proxy 1 deliver --wait $IO_CONNECTION
	check "the late discard has destroyed it" eval '[ "$(read_block "$DEVICE" 0)" != B ]'
}

variant_sizes() {
	plan 6
	lose time write_all_sizes
	expect_eq "all bytes are held" "$(($(echo "$SIZES" | tr ' ' +)))" "$(fence_attr 1 held_bytes)"
	proxy 1 deliver --wait $IO_CONNECTION
	wait_for_command
	expect_eq "they were released by time" time "$(fence_attr 1 evidence)"
	expect_eq "all of them" "$(($(echo "$SIZES" | tr ' ' +)))" "$(fence_counter 1 released_bytes)"
	expect_eq "the data is there" "" "$(missing_sizes)"
}

variant_sizes_control() {
	plan 4
	lose off write_all_sizes
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	wait_for_command
	expect_eq "the data is there" "" "$(missing_sizes)"
}
