# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Lost Host Communication in the kernel's target, without the module: when a controller has
# lost its host, the one of the last path lists it in log page 1Fh, and sends an event.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the kernel's target tells a host which of its controllers have lost it"
# shellcheck disable=SC2034
VARIANTS="keep_alive:fence connections:fence last_queue:fence host_ends:fence hosts:fence
	count:fence events:fence disabled:fence parts:fence reuse:fence reuse_stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# scene [OPTION,...]: path 1 through the proxy, and path 2, whose controller is the witness
scene() {
	target_start
	proxy_start 1
	path_connect 1 "reconnect_delay=600,$1"
	path_connect_direct 2
	witness 2
}

# witness N: path N is it; and it sends events of losses
witness() {
	SOURCE=$(path_ctrl "$1")
	[ ! -d "$TRACE" ] || return 0
	trace_start nvmet:nvmet_async_event nvmet:nvmet_req_init
}

# events_enable BITS: of the Asynchronous Event Configuration
events_enable() { nvme set-feature "/dev/$SOURCE" --feature-id=0x0b --value="$1" >/dev/null; }
LOST=0x200000

# lost_log [OPTION...]: the witness's page, "CNTLID LC CIU" for each entry
lost_log() {
	nvme get-log "/dev/$SOURCE" --log-id=0x1f --log-len=4096 --raw-binary "$@" |
		od -A n -v -t u1 -w8 |
		awk 'NR == 1 { entries = $1 + 256 * $2 }
			NR > 1 && NR <= entries + 1 { print $1 + 256 * $2, $3, $4 }'
}

# listed N [LC]: the line for path N as it was remembered
listed() { eval "echo \$ICID$1 ${2:-1} \$CIU$1"; }

log_is() { [ "$(lost_log --rae)" = "$1" ]; }

# events: how many the witness has sent
events() { trace_count "nvmet_async_event: nvmet$(cntlid "$SOURCE"): .*LOST_HOST_COMM"; }
events_are() { [ "$(events)" = "$1" ]; }
events_stay() { await 10 events_are "$1" && sleep 1 && events_are "$1"; }

variant_keep_alive() {
	plan 7
	scene keep_alive_tmo=5
	remember 1
	events_enable $LOST
	proxy 1 freeze
	sleep 4
	expect_eq "as long as it may be alive nothing is listed" "" "$(lost_log --rae)"
	# With traffic based keep alive the timer may be started once more.
	check "it is listed when its keep alive has expired" await 12 log_is "$(listed 1)"
	check "there was an event" events_stay 1
	check "reading with RAE leaves the entry" log_is "$(listed 1)"
	expect_eq "without RAE it is read as well" "$(listed 1)" "$(lost_log)"
	expect_eq "and removed" "" "$(lost_log)"
	check "the witness lives" lives 2
	proxy 1 drop >/dev/null
}

variant_connections() {
	plan 3
	scene keep_alive_tmo=60
	remember 1
	events_enable $LOST
	proxy 1 drop >/dev/null
	check "connections that have ended are a loss" await 5 log_is "$(listed 1)"
	check "there was an event" events_stay 1
	check "it is not of the witness itself" not eval "lost_log --rae | grep -q '^$(cntlid "$SOURCE") '"
}

# The host has one connection for commands left, on which one could still arrive.
variant_last_queue() {
	plan 3
	scene keep_alive_tmo=20,nr_io_queues=1
	remember 1
	proxy 1 freeze
	proxy 1 drop 2 >/dev/null
	sleep 5
	expect_eq "with a connection that is open it is not listed" "" "$(lost_log --rae)"
	proxy 1 drop 1 >/dev/null
	check "with the last one gone it is" await 5 log_is "$(listed 1)"
	sleep 60
	check "once" log_is "$(listed 1)"
}

variant_host_ends() {
	local number
	plan 5
	target_start
	proxy_start 5 1
	for number in 1 2 3; do
		connect_to $number 127.0.0.1 duplicate_connect,reconnect_delay=600
	done
	path_connect 5 duplicate_connect,reconnect_delay=600
	connect_to 4 127.0.0.2
	witness 4
	remember 3
	remember 5
	path_disconnect 1
	expect_eq "a controller that was shut down is not listed" "" "$(lost_log --rae)"
	echo 1 >"/sys/class/nvme/$(path_ctrl 2)/reset_controller"
	wait_state "$(path_ctrl 2)" live || bail "no reconnect"
	expect_eq "nor one that was disabled" "" "$(lost_log --rae)"
	expect_eq "a reset is accepted" accepted "$(ccr_of 3)"
	await 5 eval '[ "$(ccr_of 3)" = gone ]' || bail "no reset"
	expect_eq "nor is what was reset" "" "$(lost_log --rae)"
	# The control: this one is lost.
	proxy 5 drop >/dev/null
	check "what is lost is" await 5 log_is "$(listed 5)"
}

variant_hosts() {
	plan 3
	scene keep_alive_tmo=60
	remember 1
	other_host_connect 3
	proxy 1 drop >/dev/null
	check "its host is told" await 5 log_is "$(listed 1)"
	witness 3
	expect_eq "another host is not" "" "$(lost_log --rae)"
	path_disconnect 3
	witness 2
	expect_eq "nor is that one's end told here" "$(listed 1)" "$(lost_log --rae)"
}

# lose_again: path 1 is lost, and comes back
lose_again() {
	remember 1
	lose
}

lose() {
	proxy 1 drop >/dev/null
	await 5 not lives 1 || bail "path 1 is not lost"
	wait_state "$(path_ctrl 1)" live 10 || bail "path 1 does not come back"
}

variant_count() {
	plan 5
	target_start
	proxy_start 1
	path_connect 1 reconnect_delay=1
	path_connect_direct 2
	witness 2
	lose_again
	expect_eq "a loss" "$(listed 1)" "$(lost_log --rae)"
	lose_again
	expect_eq "the next one of the same ID takes its place, and counts on" \
		"$(listed 1 2)" "$(lost_log --rae)"
	lose_again
	expect_eq "again" "$(listed 1 3)" "$(lost_log)"
	lose_again
	expect_eq "and from 1 when it was read" "$(listed 1)" "$(lost_log --rae)"
	# CC.EN=0, and a new controller
	echo 1 >"/sys/class/nvme/$SOURCE/reset_controller"
	wait_state "$SOURCE" live || bail "no reconnect"
	expect_eq "a witness that is reset knows nothing" "" "$(lost_log --rae)"
}

variant_events() {
	plan 5
	target_start
	proxy_start 1
	path_connect 1 reconnect_delay=1
	path_connect_direct 2
	witness 2
	events_enable $LOST
	lose_again
	check "a loss sends an event" events_stay 1
	lose_again
	check "another one sends none while that was not answered by reading the log" events_stay 1
	lost_log >/dev/null
	lose_again
	check "after that it does" events_stay 2
	lost_log >/dev/null
	events_enable 0
	lose_again
	check "with the event disabled it does not" events_stay 2
	expect_eq "it is listed" "$(listed 1)" "$(lost_log)"
}

has_lost_event() { [ $(($(identify "$1" 92 4) >> 21 & 1)) = 1 ]; }
is_supported() {
	nvme get-log "/dev/$SOURCE" --log-id=0 --log-len=1024 --raw-binary |
		tail -c +125 | head -c 4 | number 4 | grep -qx 1
}

# nothing_of_it: the witness as if there were no such thing
nothing_of_it() {
	echo 1 >"/sys/class/nvme/$SOURCE/reset_controller"
	wait_state "$SOURCE" live || bail "no reconnect"
	check "$1, there is no page" not nvme get-log "/dev/$SOURCE" --log-id=0x1f --log-len=8
	check "nor is it said to be supported" not is_supported
	check "nor is there the event" not has_lost_event "$SOURCE"
}

variant_disabled() {
	plan 8
	target_start
	path_connect_direct 2
	witness 2
	check "the page is supported" is_supported
	check "the event is in OAES" has_lost_event "$SOURCE"
	target_set ccrl 0
	nothing_of_it "without a CCRL"
	target_set ccrl 4
	target_set cqt 0
	nothing_of_it "without a CQT"
}

# part OFFSET BYTES: of the log page, as numbers
part() {
	nvme get-log "/dev/$SOURCE" --log-id=0x1f --lpo="$1" --log-len="$2" --rae --raw-binary |
		od -A n -v -t u1 | xargs
}

variant_parts() {
	plan 5
	scene keep_alive_tmo=60
	remember 1
	proxy 1 drop >/dev/null
	await 5 log_is "$(listed 1)" || bail "it is not listed"
	expect_eq "the header says how many there are" "1 0 0 0 0 0 0 0" "$(part 0 8)"
	# shellcheck disable=SC2154 # remember sets it
	expect_eq "then come the entries" "$((ICID1 % 256)) $((ICID1 / 256)) 1 $CIU1 0 0 0 0" \
		"$(part 8 8)"
	expect_eq "and zeros" "0 0 0 0" "$(part 4092 4)"
	check "there is nothing behind the end of the page" \
		not nvme get-log "/dev/$SOURCE" --log-id=0x1f --lpo=4100 --log-len=4 --rae
	check "all of that has left the entry there" log_is "$(listed 1)"
}

# An ID is free when the last command of its controller is over, and no sooner: not when the
# loss is noticed, nor when the host is back. That is so in stock Linux, too.
late_reuse() {
	local id
	slow_target
	proxy_start 1
	path_connect 1 keep_alive_tmo=60,reconnect_delay=5
	path_connect_direct 2
	witness 2
	remember 1
	id=$ICID1
	device_stop
	path_write 1 0 S
	lose
	check "the host is back at a controller with another ID" [ "$(path_id)" != "$id" ]
	sleep 60
	new_association
	check "and again" [ "$(path_id)" != "$id" ]
	device_go_on
	await 5 eval '[ "$(read_block /dev/ram0 0)" = S ]' || bail "the write is not over"
	sleep 1
	new_association
	expect_eq "when the write is over, the next one has it" "$id" "$(path_id)"
}

path_id() { cat "/sys/class/nvme/$(path_ctrl 1)/cntlid"; }

new_association() {
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/reset_controller"
	wait_state "$(path_ctrl 1)" live || bail "no reconnect"
}

variant_reuse() {
	plan 4
	late_reuse
	check "the loss was listed meanwhile" log_is "$(listed 1)"
}

variant_reuse_stock() {
	plan 3
	late_reuse
}
