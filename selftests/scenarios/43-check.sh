# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What `nvme-fence check` answers about real paths: to people, and by its exit status.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the tool says whether a host is protected, and why not"
# shellcheck disable=SC2034
VARIANTS="protected:fence hold_none:fence one_path:fence timers:fence no_module:fence nothing:fence stock:stock"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_nothing="nvme_core.fence=0"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# answer: sets STATUS and CODES, without notes
answer() {
	STATUS=0
	nvme-fence check >>/out/check.txt 2>&1 || STATUS=$?
	CODES=$(nvme-fence check -o json | awk -F '"' '
		$2 == "code" { code = $4 }
		$2 == "severity" && $4 != "note" { printf "%s ", code }')
}

# advised WORDS: the command with these words that was advised
advised() { sed -n "s/^    # \(.*$1.*\)/\1/p" /out/check.txt; }

# What the target reports, so that none has to be assumed, and how paths are connected.
CQT=1000
OPTIONS=

# connected WAY PATH...: the module, unless WAY is "none", and these paths
connected() {
	local way="$1" path
	shift
	target_start
	# Stock targets report none.
	[ ! -e "$TARGET/subsystems/$NQN/attr_cqt" ] || target_set cqt $CQT
	[ "$way" = none ] || fence_load_as "$way" || bail "the module does not load"
	for path in "$@"; do
		path_connect_direct "$path" "$OPTIONS"
	done
	head_device >/dev/null
}

variant_protected() {
	plan 4
	connected auto 1 2
	answer
	expect_eq "nothing is found" "" "$CODES"
	expect_eq "the exit status says so" 0 $STATUS
	check "so do the words" grep -q "^nvme-subsys0 *protected *2/2 *$NQN" /out/check.txt
	expect_eq "a device is its subsystem" "$(nvme-fence check)" "$(nvme-fence check /dev/nvme0n1)"
}

variant_hold_none() {
	plan 4
	connected off 1 2
	answer
	expect_eq "it is found" "hold-none " "$CODES"
	expect_eq "it is not protected" 4 $STATUS
	check "the command is run that is advised" eval "$(advised 'nvme-fence config')"
	answer
	expect_eq "and mends it" "0 " "$STATUS $CODES"
}

variant_one_path() {
	plan 2
	connected auto 2
	answer
	expect_eq "it is found" "one-path " "$CODES"
	expect_eq "it is protected, with a warning" 5 $STATUS
}

# Times of an array that asks for patience, and a host that has less: 3 x 30 + 10 s.
variant_timers() {
	plan 5
	CQT=0
	OPTIONS=keep_alive_tmo=30,ctrl_loss_tmo=60
	connected auto 1 2
	answer
	expect_eq "they are found" "cqt-assumed wait-over-ctrl-loss " "$CODES"
	expect_eq "it is protected, with warnings" 5 $STATUS
	check "the numbers are those in force" grep -q '3 x KATO 30 s + CQT 10 s = 100 s' /out/check.txt
	check "the command is run that is advised" eval "$(advised ctrl_loss_tmo)"
	answer
	expect_eq "and mends it" "cqt-assumed " "$CODES"
}

variant_no_module() {
	plan 3
	connected auto 1 2
	check "the module is unloaded" fence_unload
	answer
	expect_eq "it is found that nvme-core waits for time" "time-alone " "$CODES"
	expect_eq "it is protected, with a warning" 5 $STATUS
}

variant_nothing() {
	plan 3
	connected auto 1 2
	check "the module is unloaded" fence_unload
	answer
	expect_eq "it is found" "module-missing " "$CODES"
	expect_eq "it is not protected" 4 $STATUS
}

variant_stock() {
	plan 2
	connected none 1 2
	answer
	expect_eq "the kernel lacks the series" "series-missing " "$CODES"
	expect_eq "it is not protected" 4 $STATUS
}
