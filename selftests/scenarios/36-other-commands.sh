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

IO_CONNECTION=2
SIZES="4096 8192 16384 65536 262144 524288 1048576"

# lose WAY BACKING COMMAND...: path 1 is lost with the command, which goes on in the
# background
lose() {
	scene_set "$1" nr_io_queues=1,keep_alive_tmo=20 "$2"
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	shift 2
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

# busybox knows neither.
zero_block() { /usr/sbin/blkdiscard --force --zeroout --offset 0 --length 4096 "$DEVICE"; }
write_fua() {
	head -c 4096 /dev/zero | tr '\0' F |
		/usr/bin/dd of="$DEVICE" bs=4096 iflag=fullblock oflag=direct,dsync 2>/dev/null
}

# sent_on N COMMAND: how often it was sent on path N
sent_on() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*$2"; }

# expect_held OP COMMAND: what was sent on path 1 is held, as what it is, and goes on as
# the same on path 2. Executed late, it does not destroy what is written then.
expect_held() {
	expect_eq "it is held" 1 "$(fence_attr 1 held)"
	expect_eq "as what it is" "$1" "$(field nvme_fence_hold op)"
	proxy 1 deliver --wait $IO_CONNECTION
	wait_for_command
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
	expect_eq "it was sent once on each path" "1 1" "$(sent_on 1 "$2") $(sent_on 2 "$2")"
	check "another block is written" write_block "$DEVICE" 0 B
	sleep 2
	expect_eq "the data is there" B "$(read_block "$DEVICE" 0)"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

# expect_destroyed COMMAND: it was sent on, and newer data written, before it is executed.
expect_destroyed() {
	wait_for_command
	expect_eq "it was sent once on each path" "1 1" "$(sent_on 1 "$1") $(sent_on 2 "$1")"
	check "another block is written" write_block "$DEVICE" 0 B
	proxy 1 deliver --wait $IO_CONNECTION
	check "executed late, it has destroyed it" eval '[ "$(read_block "$DEVICE" 0)" != B ]'
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

# As the trace has them
DISCARD='nvme_cmd_dsm'
ZEROES='nvme_cmd_write_zeroes'
FUA='nvme_cmd_write .*ctrl=0x4000'

variant_discard() {
	plan 9
	lose time ramdisk discard_block
	expect_held D $DISCARD
}

variant_discard_control() {
	plan 5
	lose off ramdisk discard_block
	expect_destroyed $DISCARD
}

variant_zeroes() {
	plan 9
	lose time ramdisk zero_block
	expect_held Z $ZEROES
}

variant_zeroes_control() {
	plan 5
	lose off ramdisk zero_block
	expect_destroyed $ZEROES
}

# Only a target with a volatile write cache is sent FUA.
variant_fua() {
	plan 9
	lose time file write_fua
	expect_held W "$FUA"
}

variant_fua_control() {
	plan 5
	lose off file write_fua
	expect_destroyed "$FUA"
}

variant_sizes() {
	plan 6
	lose time ramdisk write_all_sizes
	expect_eq "all bytes are held" "$(($(echo "$SIZES" | tr ' ' +)))" "$(fence_attr 1 held_bytes)"
	proxy 1 deliver --wait $IO_CONNECTION
	wait_for_command
	expect_eq "they were released by time" time "$(fence_attr 1 evidence)"
	expect_eq "all of them" "$(($(echo "$SIZES" | tr ' ' +)))" "$(fence_counter 1 released_bytes)"
	expect_eq "the data is there" "" "$(missing_sizes)"
}

variant_sizes_control() {
	plan 4
	lose off ramdisk write_all_sizes
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	wait_for_command
	expect_eq "the data is there" "" "$(missing_sizes)"
}
