# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The monitor is told little by the kernel, and must miss nothing all the same: what is lost and
# held, also if it is over before it looks, and the module's coming and going. It runs as nobody.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the monitor records losses, holds and the module's coming and going"
# shellcheck disable=SC2034
VARIANTS="fence:fence asleep:fence quiet:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml"

RECORD=/run/record
METRICS=$RECORD/nvme-fence.prom
IO_CONNECTION=2

# started N: has a monitor been started so often?
started() { [ "$(grep -c monitor-started /out/journal.txt)" = "$1" ]; }

# monitor_start: in the background. Sets MONITOR.
MONITORS=0
monitor_start() {
	MONITORS=$((MONITORS + 1))
	[ -d $RECORD ] || {
		mkdir $RECORD
		# The root of this machine is for root alone.
		chmod 755 /
		chown 65534:65534 $RECORD
	}
	/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups nvme-fence monitor \
		--directory $RECORD --textfile $METRICS >>/out/journal.txt 2>/out/complaints.txt &
	MONITOR=$!
	await 10 started $MONITORS || bail "it does not monitor"
}

# monitor_ends: sets STATUS to its exit status
monitor_ends() {
	STATUS=0
	kill -TERM "$MONITOR"
	wait "$MONITOR" || STATUS=$?
	cp -r $RECORD /out/
}

# happened [PATH]: the events in the record (of a path), in one line
happened() {
	nvme-fence history --directory $RECORD -o json |
		jq -r --arg path "$1" '[.events[] | select($path == "" or .path == $path) | .event] | join(" ")'
}

# said EVENT: await it in the journal
said() { await 10 grep -q "$1" /out/journal.txt; }

# measured NAME [VALUE]: a metric of the monitor (with this value of a label)
measured() { sed -n "s/^$1{.*$2.*} //p" $METRICS; }

# scene WAY: "none" on a stock kernel
scene() {
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,reconnect_delay=1
	path_connect_direct 2
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	monitor_start
}

variant_fence() {
	plan 15
	scene time
	writer_start --blocks 4 --writes 2
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	writer_go
	proxy 1 wait host-closed $IO_CONNECTION
	check "it says that the path is lost" said "$PATH1_CTRL lost"
	check "and that writes are held" said "$PATH1_CTRL held, 4 commands"
	writer_wait
	check "and what fenced them" said "$PATH1_CTRL fenced: time, 4 commands"
	proxy 1 accept
	check "and that it is back" said "$PATH1_CTRL back"
	check "the module is unloaded" fence_unload
	check "which it says" said module-unloaded
	check "the module is loaded again" fence_load_as time
	check "which it says, too" said module-loaded
	expect_eq "the counters of the module are gone" 0 "$(fence_counter 1 held)"
	monitor_ends
	expect_eq "it ends in good order" 0 $STATUS
	expect_eq "all of it is in the record" \
		"monitor-started lost held fenced back module-unloaded module-loaded monitor-stopped" \
		"$(happened)"
	expect_eq "with numbers and evidence, also for people" "4 time" "$(
		nvme-fence history --directory $RECORD | awk '$5 == "fenced" { print $8, $9 }')"
	monitor_start
	monitor_ends
	expect_eq "what the monitor has counted outlives the module and itself" "1 1 4 4" \
		"$(measured nvme_fence_lost_total '"connection"') $(
			measured nvme_fence_fenced_total '"time"') $(
			measured nvme_fence_holds_total) $(measured nvme_fence_released_commands_total)"
	expect_eq "it had nothing to complain of" "" "$(cat /out/complaints.txt)"
}

# While it is stopped, it sees nothing. All of this is over when it looks again.
variant_asleep() {
	plan 5
	scene time
	kill -STOP "$MONITOR"
	for _ in 1 2 3 4 5; do
		echo 1 >"/sys/class/nvme/$PATH2_CTRL/reset_controller"
		wait_state "$PATH2_CTRL" live || bail "it does not come back"
	done
	fence_unload
	fence_load_as time
	kill -CONT "$MONITOR"
	check "it wakes up" said "$PATH2_CTRL back"
	monitor_ends
	expect_eq "and ends in good order" 0 $STATUS
	expect_eq "it knows of each loss" \
		"lost back lost back lost back lost back lost back" "$(happened "$PATH2_CTRL")"
	expect_eq "and that the module was unloaded and loaded" "module-unloaded module-loaded" \
		"$(happened | tr ' ' '\n' | grep ^module | xargs)"
	expect_eq "and has counted them" 5 "$(measured nvme_fence_lost_total '"connection"')"
}

# Nothing is lost, and so nothing is said.
variant_quiet() {
	plan 3
	scene time
	writer_start --blocks 4 --writes 2
	writer_go
	writer_wait
	sleep 30
	monitor_ends
	expect_eq "nothing has happened" "monitor-started monitor-stopped" "$(happened)"
	expect_eq "and nothing was counted" "0 0 0" "$(measured nvme_fence_lost_total '"connection"') $(
		measured nvme_fence_fenced_total '"time"') $(measured nvme_fence_holds_total)"
}

# Without the module, the paths are followed.
variant_stock() {
	plan 6
	scene none
	proxy 1 refuse
	proxy 1 drop
	check "it says that the path is lost" said "$PATH1_CTRL lost"
	proxy 1 accept
	check "and that it is back" said "$PATH1_CTRL back"
	path_disconnect 2
	check "and that one was removed" said "$PATH2_CTRL removed"
	path_connect_direct 2
	check "and that one was connected" said "$PATH2_CTRL added"
	monitor_ends
	expect_eq "it ends in good order" 0 $STATUS
	expect_eq "all of it was counted" "1 1" "$(measured nvme_fence_lost_total '"connection"') $(
		measured nvme_fence_lost_total '"removed"')"
}
