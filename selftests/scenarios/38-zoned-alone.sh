# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A zoned namespace without multipath. What is held can not enter the write plug of its zone
# a second time, so it fails in the end. The plug has to know that: it must not go on to
# believe that the zone was written.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a zone can be written again when a held write has failed"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

DEVICE=/dev/nvme0n1
IO_CONNECTION=2

# lose_write WAY: a write to the second block of the zone, which the controller never gets.
# The path comes back at once. Sets STATUS.
lose_write() {
	target_start_zoned
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout 1 3000
	write_block $DEVICE 0 A || bail "the path does not write"
	proxy 1 hold $IO_CONNECTION
	write_block $DEVICE 1 B &
	proxy 1 wait host-closed all >/dev/null
	proxy 1 drop >/dev/null
	STATUS=0
	wait $! || STATUS=$?
}

# write_pointer: of the first zone, in sectors, as the device has it
write_pointer() { blkzone report --count 1 $DEVICE | sed 's/.* wptr \(0x[0-9a-f]*\) .*/\1/'; }

variant_fence() {
	plan 8
	lose_write time
	check "the write fails" [ $STATUS != 0 ]
	check "the kernel's log tells of it" \
		eval 'dmesg | grep "nvme0n1: WRITE, 4096 bytes at sector 8, failed (sct 0x3 / sc 0x71)"'
	expect_eq "it is counted as an error" 1 "$(cat /sys/block/nvme0n1/diag/command_error_count)"
	expect_eq "it was held" 1 "$(fence_counter 1 held)"
	expect_eq "until its time had come" time "$(fence_attr 1 evidence)"
	expect_eq "the zone is written up to there" 8 $(($(write_pointer)))
	check "the next write to that place succeeds" write_block $DEVICE 1 C
	expect_eq "and is there" AC "$(read_block $DEVICE 0)$(read_block $DEVICE 1)"
}

variant_control() {
	plan 3
	lose_write off
	expect_eq "the write succeeds when it is sent again" 0 $STATUS
	expect_eq "the zone is written up to behind it" 16 $(($(write_pointer)))
	expect_eq "and it is there" AB "$(read_block $DEVICE 0)$(read_block $DEVICE 1)"
}
