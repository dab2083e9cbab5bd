# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A cluster: this host has reserved the namespace for its registrants, and holds a write of
# a path that was lost. Meanwhile another host takes the reservation over, as it does with
# one that it believes dead, and writes. What was held must fail then, and must not be
# executed: neither the copy that the host sends on nor the one that the lost path has.
#
# The other host is a controller with a host identifier of its own. Its path is the worse
# one, so that this host does not use it.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a held write obeys the reservation that is in force when it is released"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"

# Write Exclusive - Registrants Only
TYPE=3
OUR_KEY=1 THEIR_KEY=2
ACQUIRE=0 PREEMPT=1

two_hosts() {
	scripted_target_start --listen 127.0.0.3:4420,non-optimized --quiesce-ms 3600000
	fence_load_as time || bail "the module does not load"
	path_connect_direct 1
	path_connect_direct 2
	HOSTNQN=nqn.2026-11.test:other HOSTID=22222222-2222-4222-8222-222222222222 \
		path_connect_direct 3
	DEVICE=$(head_device)
	THEIRS=/dev/$(path_ctrl 3)
	trace_start
}

# register DEVICE KEY
register() {
	nvme resv-register "$1" --namespace-id=1 --rrega=0 --nrkey="$2" >>/out/nvme.txt 2>&1
}

# acquire DEVICE ACTION KEY [KEY OF THE PREEMPTED]
acquire() {
	nvme resv-acquire "$1" --namespace-id=1 --rtype=$TYPE --racqa="$2" --crkey="$3" \
		--prkey="${4:-0}" >>/out/nvme.txt 2>&1
}

# lose_with_a_write: the target has the write of 'a', and the host holds another copy
lose_with_a_write() {
	scripted_target rule write cntlid=1 : hold=before-execution >/dev/null
	scripted_target refuse 1
	path_io_timeout 1 3000
	write_block "$DEVICE" 0 a &
	WRITE=$!
	scripted_target wait lost 1
	await 5 eval '[ "$(fence_attr 1 held)" = 1 ]' || bail "no write is held"
}

# they_write LETTER
they_write() {
	head -c 4096 /dev/zero | tr '\0' "$1" >/tmp/theirs
	nvme io-passthru "$THEIRS" --opcode=1 --namespace-id=1 --data-len=4096 --write \
		--input-file=/tmp/theirs >>/out/nvme.txt 2>&1
}

# they_read: the first letter
they_read() {
	nvme io-passthru "$THEIRS" --opcode=2 --namespace-id=1 --data-len=4096 --read \
		--raw-binary 2>>/out/nvme.txt | head -c 1
}

# expect_end TEXT STATUS: how the write ends when the host lets it go; then the target does
expect_end() {
	local status=0
	wait "$WRITE" || status=$?
	scripted_target release all
	expect_eq "$1" "$2" "$status"
}

# refused EVENT CNTLID: how many writes of that controller ended with Reservation Conflict
refused() { grep -c "\"$1\".*\"cntlid\":$2,.*\"write\".*\"0x4083\"" /out/target.json; }

variant_fence() {
	plan 9
	two_hosts
	check "this host registers" register "$DEVICE" $OUR_KEY
	check "and reserves the namespace" acquire "$DEVICE" $ACQUIRE $OUR_KEY
	check "another host registers" register "$THEIRS" $THEIR_KEY
	lose_with_a_write
	check "it preempts this one" acquire "$THEIRS" $PREEMPT $THEIR_KEY $OUR_KEY
	check "and writes" they_write b
	expect_end "the held write fails" 1
	expect_eq "since the target refuses it" 1 "$(refused completed 2)"
	expect_eq "and the copy on the lost path" 1 "$(refused unanswered 1)"
	expect_eq "the data is the other host's" b "$(they_read)"
}

# Nobody has reserved anything.
variant_control() {
	plan 3
	two_hosts
	lose_with_a_write
	check "the other host writes" they_write b
	expect_end "the held write succeeds" 0
	expect_eq "over the data of the other host" a "$(they_read)"
}
