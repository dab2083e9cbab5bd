# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The controller gets a part of what the host sent: of the command, of the data that it
# asked for, of a command that is protected by digests. It gets the rest, and executes the
# write, when newer data is there.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="writes of which a part was sent are executed late"
# shellcheck disable=SC2034
VARIANTS="capsule:fence capsule_control:fence data:fence data_control:fence no_r2t:fence digests:fence digests_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2

# A command takes 72 bytes. More data than fits behind it is asked for by R2T, and goes
# out behind headers of 24 bytes.
COMMAND=72
HEADER=24

# lose WAY BLOCK_SIZE BYTES [OPTION,...]: BYTES of the write pass, then path 1 is lost
lose() {
	scene_set "$1" "nr_io_queues=1,keep_alive_tmo=20${4:+,$4}"
	path_io_timeout 1 3000
	writer_start --blocks 1 --writes 3 --block-size "$2"
	proxy 1 hold --after "$3" $IO_CONNECTION
	proxy 1 refuse
	writer_go
	proxy 1 wait host-closed $IO_CONNECTION
	sleep 2
}


expect_fenced() {
	expect_eq "the write is held" 1 "$(fence_attr 1 held)"
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
	check "no ghost write" registers_verify
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
}

expect_ghost_write() {
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	writer_wait
	proxy 1 deliver --wait $IO_CONNECTION
	check "the ghost write is there" eval '! registers_verify'
}

# lose_capsule WAY: half of the command
lose_capsule() { lose "$1" 4096 $((COMMAND / 2)); }

# lose_data WAY: half of the data that was asked for
lose_data() { lose "$1" 65536 $((COMMAND + HEADER + 32768)); }

# lose_digests WAY: the same, with digests
lose_digests() { lose "$1" 65536 $((COMMAND + HEADER + 32768)) hdr_digest,data_digest; }

variant_capsule() {
	plan 4
	lose_capsule time
	expect_fenced
}

variant_capsule_control() {
	plan 3
	lose_capsule off
	expect_ghost_write
}

variant_data() {
	plan 4
	lose_data time
	expect_fenced
}

variant_data_control() {
	plan 3
	lose_data off
	expect_ghost_write
}

# The host never hears that it may send the data, and so never does. The command was
# sent all the same, and the host can not know what became of it.
variant_no_r2t() {
	plan 4
	lose time 65536 0
	expect_eq "the write is held" 1 "$(fence_attr 1 held)"
	proxy 1 deliver $IO_CONNECTION
	writer_wait
	check "the data is there" registers_verify
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
}

variant_digests() {
	plan 4
	lose_digests time
	expect_fenced
}

variant_digests_control() {
	plan 3
	lose_digests off
	expect_ghost_write
}
