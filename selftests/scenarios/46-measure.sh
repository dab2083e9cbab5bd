# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What the tool measures is what the applications measure: as many commands, and as long, from
# their start and not from when the host noticed that the path is lost.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="measure says how long commands took before, during and after the loss of a path"
# shellcheck disable=SC2034
VARIANTS="fence:fence stock:stock control:fence ana:stock delay:stock overrun:stock"

MEASURED=/out/measured.json
INSTANCES=/sys/kernel/tracing/instances
LOAD="--blocks 4 --writes 100 --interval-ms 100 --readers"

# scene WAY: "none" on a stock kernel. Paths that are connected just now still change.
scene() {
	scene_set "$1"
	await 10 both path_optimized || bail "a path is not optimized"
	path_io_timeout 1 3000
}

# measure_start OPTION...: in the background. Sets MEASURE. The FIFO of a writer that waits is
# not for it: it would keep it open.
measure_start() {
	nvme-fence measure "$DEVICE" "$@" >$MEASURED 2>/out/measure.txt 4>&- &
	MEASURE=$!
	await 10 grep -q ': measuring' /out/measure.txt || bail "it does not measure"
}

# measure_wait: sets STATUS to its exit status
measure_wait() {
	STATUS=0
	wait "$MEASURE" || STATUS=$?
	expect_eq "nothing is left of it" lab "$(ls $INSTANCES)"
}

measure_end() {
	kill "-$1" "$MEASURE"
	measure_wait
}

# measured FILTER: what jq finds in the result
measured() { jq -r "$1" $MEASURED; }

swallow() {
	proxy 1 hold
	proxy 1 refuse
}

# expect_what_the_writer_measured [FORMATTED]: around its system calls, and without those that
# format the blocks, if they are measured, too
expect_what_the_writer_measured() {
	local part
	expect_eq "as many writes ended as the writer had" \
		$(($(report_ns writes count) + ${1:-0})) "$(measured .whole.writes.commands)"
	expect_eq "and as many reads" "$(report_ns reads count)" "$(measured .whole.reads.commands)"
	for part in writes reads; do
		expect_between "the slowest of the $part took as long as the writer says" \
			$(($(report_ns $part max_ns) - STEP_NS)) "$(report_ns $part max_ns)" \
			"$(measured .whole.$part.max_ns)"
	done
}

# expect_one_incident LONGEST_MS: the stall is in its middle
expect_one_incident() {
	local begun from
	begun=$(report_ns writes submit_ns)
	from=$(($(measured '.origin_ns + .incidents[0].during.from_ns')))
	expect_eq "one incident is found: path 1 is lost" "1 $(path_ctrl 1) lost" \
		"$(measured '"\(.incidents | length) \(.incidents[0].events[0] | .controller + " " + .kind)"')"
	expect_eq "the slowest write is in the middle of it" "$(measured .whole.writes.max_ns)" \
		"$(measured '.incidents[0].during.writes.max_ns')"
	expect_between "which begins with the slice in which that write was started" \
		$((begun - $(measured .resolution_ns))) "$begun" "$from"
	expect_between "before, no write took long" 1 "$(late_ns 20000000)" \
		"$(measured '.incidents[0].before.writes.max_ns')"
	expect_between "nor after" 1 "$(late_ns 20000000)" \
		"$(measured '.incidents[0].after.writes.max_ns')"
}

variant_fence() {
	plan 14
	scene time
	# shellcheck disable=SC2086 # options
	writer_start $LOAD
	measure_start -o json --picture /out/measured.svg
	writer_go
	sleep 5
	swallow
	writer_wait
	measure_end TERM
	expect_eq "it ends in good order" 0 $STATUS
	expect_what_the_writer_measured
	expect_one_incident
	expect_between "the write was held until time had fenced it" 25000000000 40000000000 \
		"$(measured .whole.writes.max_ns)"
	check "the picture has the incident" grep -q "incident 1, .*: $(path_ctrl 1) lost" \
		/out/measured.svg
}

# With a command, without the module.
variant_stock() {
	plan 12
	scene none
	measure_start -o json -- sh -c "exec ghost write run --device $DEVICE --report $REPORT \
		--force $LOAD >/out/writer.txt"
	sleep 5
	swallow
	measure_wait
	expect_eq "it ends when the writer does, and as it" "0 0" "$STATUS $(measured .exit_status)"
	expect_what_the_writer_measured 4
	expect_one_incident
	expect_between "the write was given up, and done on the other path" 3000000000 \
		"$(late_ns 6000000000)" "$(measured .whole.writes.max_ns)"
}

variant_control() {
	plan 8
	scene time
	# shellcheck disable=SC2086 # options
	writer_start $LOAD
	measure_start -o json
	writer_go
	writer_wait
	measure_end INT
	expect_eq "it ends in good order" 0 $STATUS
	expect_what_the_writer_measured
	expect_eq "where nothing happens, there is no incident" 0 "$(measured '.incidents | length')"
}

# port_ana N STATE: the state of all namespaces behind a port of the target
port_ana() { echo "$2" >"$TARGET/ports/$1/ana_groups/1/ana_state"; }

# What the target announces, and nothing on this host does.
variant_ana() {
	plan 7
	scene none
	# shellcheck disable=SC2086 # options
	writer_start $LOAD
	measure_start -o json
	writer_go
	sleep 3
	port_ana 1 inaccessible
	sleep 3
	port_ana 1 optimized
	writer_wait
	measure_end TERM
	expect_eq "it ends in good order" 0 $STATUS
	expect_eq "two incidents are found: the path becomes inaccessible, and optimized again" \
		"$(path_ctrl 1) ana optimized inaccessible,$(path_ctrl 1) ana inaccessible optimized" \
		"$(measured '[.incidents[].events[] | .controller + " " + .kind + " " + .from + " " + .to] | join(",")')"
	expect_between "the first when it happens" 3000000000 "$(late_ns 3200000000)" \
		"$(measured '.incidents[0].events[0].noticed_ns')"
	expect_between "neither of them hurts for long" 1 "$(late_ns 300000000)" \
		"$(measured '[.incidents[].during | .to_ns - .from_ns] | max')"
	expect_between "as no write took long" 1 "$(late_ns 20000000)" \
		"$(measured .whole.writes.max_ns)"
}

# status_of COMMAND...: the exit status of the tool that measures while it runs
status_of() {
	local status=0
	nvme-fence measure "$NQN" -- "$@" >>/out/measure.txt 2>&1 || status=$?
	echo $status
}

# The target keeps each write for two seconds.
variant_delay() {
	plan 8
	scene_set_scripted none ""
	await 10 both path_optimized || bail "a path is not optimized"
	scripted_target rule write : hold=before-execution/2000 >/dev/null
	measure_start -o json -- /usr/bin/dd if=/dev/zero of="$DEVICE" bs=4096 count=3 oflag=direct
	measure_wait
	expect_eq "three writes ended, and nothing happened to a path" "3 0" \
		"$(measured '"\(.whole.writes.commands) \(.incidents | length)"')"
	expect_between "the fastest half took two seconds" 1980000000 "$(late_ns 2020000000)" \
		"$(measured .whole.writes.p50_ns)"
	expect_between "and so did the slowest" 2000000000 "$((2000000000 + STEP_NS))" \
		"$(measured .whole.writes.max_ns)"
	expect_eq "a command that fails is one that fails" 7 "$(status_of sh -c 'exit 7')"
	check "without a place for its picture, it does not begin" eval \
		'! nvme-fence measure $NQN --picture /nowhere/x -- touch /run/begun && [ ! -e /run/begun ]'
	measure_start -- sleep 600
	measure_end TERM
	expect_eq "a signal ends the command" 143 $STATUS
}

# The kernel has hardly any room for what happens between two looks. Writes of block 0 take longer
# than that: of some, the start is read, and the end is lost.
variant_overrun() {
	plan 8
	scene_set_scripted none ""
	await 10 both path_optimized || bail "a path is not optimized"
	scripted_target rule write slba=0 : hold=before-execution/250 >/dev/null
	writer_start --blocks 8 --writes 500 --interval-ms 5
	measure_start -o json
	echo 4 >"$INSTANCES/nvme-fence-$MEASURE/buffer_size_kb"
	writer_go
	writer_wait
	measure_end TERM
	expect_eq "it ends in good order" 0 $STATUS
	expect_between "it says that events were lost" 1 100000 "$(measured .lost_events)"
	expect_between "and does not know all that the writer did" 1 3999 \
		"$(measured .whole.writes.commands)"
	expect_between "nor what became of some of it" 1 1000 "$(measured .forgotten)"
	expect_between "but takes nothing for slower because of that" 1 $((250000000 + STEP_NS)) \
		"$(measured .whole.writes.max_ns)"
	expect_eq "nor for a command that never ended" 0 "$(measured .under_way.commands)"
}
