# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The package as an administrator has it: a Debian system with systemd and udev boots, in which it
# is installed, the module is loaded at boot, and the monitor is enabled. An array is connected and
# loses a path.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="installed under systemd: settings are applied, history and metrics are right"
# shellcheck disable=SC2034
VARIANTS="fence:fence"
# shellcheck disable=SC2034
SYSTEM=installed
# systemd opens terminals that are not there.
# shellcheck disable=SC2034
PARAMETERS="lab.host=cli con=none"

METRICS=/run/nvme-fence/nvme-fence.prom
IO_CONNECTION=2

# Not all of Debian finds what it wants in this machine.
is_up() { systemctl is-system-running | grep -qE '^(running|degraded)$'; }
is_active() { [ "$(systemctl is-active "$1")" = active ]; }

# knob NAME VALUE: is it in force?
knob() { [ "$(fence_get "$1")" = "$2" ]; }

# happened EVENT: does the record of the service have it?
happened() { nvme-fence history | grep -E " $PATH1_CTRL +$1( |\$)"; }

variant_fence() {
	plan 15
	check "systemd has started what there is" await 120 is_up
	check "the module was loaded at boot" [ -d /sys/module/nvme_fence/removed ]
	check "the monitor runs" is_active nvme-fence-monitor
	# That of a service which has none of its own.
	expect_between "as a user that exists only for it" 61184 65519 "$(
		stat -c %u "/proc/$(systemctl show -P MainPID nvme-fence-monitor)")"
	cat >/etc/nvme-fence/arrays.conf <<-END
		[[array]]
		model = "Linux*"
		cqt-default-ms = 5000
		evidence = "time,disabled"
	END
	target_start
	# Nothing that makes the wait shorter.
	target_set ccrl 0
	target_set cqt 0
	proxy_start 1
	path_connect 1 nr_io_queues=1,reconnect_delay=1
	path_connect_direct 2
	DEVICE=$(head_device)
	check "udev has the settings of the array applied" await 20 knob cqt_default_ms 5000
	check "all of them" knob evidence \
		'ccr [time] reconnect reconnect-by-id [disabled] notification target'
	check "the volume is found, with its link" nvme-fence find --wait 10 --device \
		"$(echo /dev/disk/by-id/nvme-uuid.*)"
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	writer_go
	writer_wait
	proxy 1 accept
	wait_state "$PATH1_CTRL" live 30
	sleep 3
	check "the loss is in the record" happened lost
	check "so is what was held" happened 'held +- +4'
	check "and what fenced it" happened 'fenced .* time'
	check "and that the path is back" happened back
	expect_eq "the metrics count them" "1 4" "$(
		sed -n 's/^nvme_fence_fenced_total{.*"time"} //p; s/^nvme_fence_holds_total{.*} //p' $METRICS |
			sort -n | paste -sd ' ')"
	check "they can be read by node_exporter" \
		/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups cat $METRICS
	check "the journal has it" sh -c 'journalctl -u nvme-fence-monitor | grep -q "fenced: time"'
}
