# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The six questions of who runs NVMe multipath, around one failover. What the commands say is in
# /out/questions.txt, and the picture of the measurement in /out/failover.svg: those are shown in
# Documentation/nvme-fence/operating.rst.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="six commands answer the six questions on a failover"
# shellcheck disable=SC2034
VARIANTS="ccr:fence time:fence stock:stock"

RECORD=/run/record
METRICS=$RECORD/nvme-fence.prom
IO_CONNECTION=2
ANSWERS=/out/questions.txt

ANSWER=/run/answer

# ask COMMAND...: the tool answers in $ANSWER; sets STATUS to its exit status
ask() {
	STATUS=0
	echo "# nvme-fence $*" >>$ANSWERS
	nvme-fence "$@" >$ANSWER 2>&1 || STATUS=$?
	cat $ANSWER >>$ANSWERS
	printf '(%s)\n\n' $STATUS >>$ANSWERS
}

answered() { grep -qE "$1" "$ANSWER"; }

# scene WAY: "none" on a stock kernel
scene() {
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,reconnect_delay=1
	path_connect_direct 2
	DEVICE=$(head_device)
	await 10 both path_optimized || bail "a path is not optimized"
	path_io_timeout 1 3000
	mkdir $RECORD
	nvme-fence monitor --directory $RECORD --textfile $METRICS >/out/journal.txt 2>&1 4>&- &
	MONITOR=$!
	await 10 grep -q monitor-started /out/journal.txt || bail "it does not monitor"
}

# play_failover [COMMAND...]: the writer writes, and path 1 dies meanwhile; COMMAND is run then
play_failover() {
	local measure
	writer_start --blocks 4 --writes 100 --interval-ms 100 --readers
	nvme-fence measure "$DEVICE" --picture /out/failover.svg >/run/measured 2>/out/measure.txt 4>&- &
	measure=$!
	await 10 grep -q ': measuring' /out/measure.txt || bail "it does not measure"
	writer_go
	sleep 5
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	proxy 1 wait host-closed $IO_CONNECTION
	"$@"
	writer_wait
	proxy 1 accept
	wait_state "$PATH1_CTRL" live 30
	sleep 2
	kill -TERM $measure
	wait $measure || diag "measure failed"
	{ echo "# nvme-fence measure $DEVICE" && cat /run/measured && echo; } >>$ANSWERS
}

# What has happened, whoever holds: PATTERN is what the record has to say of it
expect_the_past() {
	ask history --directory $RECORD
	check "what happened is in the record" answered "$1"
	check "so is that the path was lost, and is back" answered " $PATH1_CTRL +back "
	check "the measurement has the incident" grep -q " $PATH1_CTRL lost (live" /run/measured
	check "and a picture of it" grep -q "$PATH1_CTRL lost" /out/failover.svg
	cp $METRICS /out/
	check "the metrics count the loss" grep -q 'nvme_fence_lost_total{.*"connection"} 1' $METRICS
	kill -TERM "$MONITOR"
}

# expect_the_present VERDICT: before anything happens
expect_the_present() {
	ask check
	check "am I protected?" answered "$1"
	ask find "$NQN"
	check "where is my volume?" answered "^${DEVICE#/dev/} .* usable"
	ask status
	check "what is going on? nothing" answered "^ *$PATH2_CTRL +live +optimized"
	ask can-disconnect "$PATH1_CTRL"
	check "may it be disconnected? yes" [ $STATUS = 0 ]
}

held_now() {
	# Until its connections are terminated, nobody knows for how long.
	await 10 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not held"
	sleep 2
	ask status
	check "what is going on? it is held" answered "^ *$PATH1_CTRL .* holding +4 "
	ask can-disconnect "$PATH1_CTRL"
	check "may it be disconnected? no" [ $STATUS = 4 ]
}

variant_ccr() {
	plan 12
	scene auto
	expect_the_present '^nvme-subsys0 +protected'
	play_failover true
	expect_the_past " $PATH1_CTRL +fenced .*ccr"
	check "the module has kept it, too" answered " $PATH1_CTRL +0\.[0-9]+ s +4 +ccr, closed after "
	ask status
	check "it was fenced by a reset" answered "^ *$PATH1_CTRL .* idle .*ccr"
}

variant_time() {
	plan 13
	scene time
	expect_the_present '^nvme-subsys0 +protected'
	play_failover held_now
	expect_the_past " $PATH1_CTRL +fenced .*time"
	check "the module has kept it, too" \
		answered " $PATH1_CTRL +2[0-9]\.[0-9]+ s +4 +time \(traffic\), closed after "
}

variant_stock() {
	plan 10
	scene none
	expect_the_present '^nvme-subsys0 +NOT PROTECTED'
	play_failover true
	expect_the_past " $PATH1_CTRL +lost "
}
