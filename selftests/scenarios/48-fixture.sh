# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What the tool's tests play back as a host: two live paths to a volume of the kernel's target.
# tools/lab/fixture takes it, from kernels that are not the laboratory's, too.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="what nvme-fence reads of a machine can be taken along"
# shellcheck disable=SC2034
VARIANTS="fence:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml"

FIXTURE=/out/fixture.txt

# taken KIND PATH...: is all of this in it?
taken() {
	local kind="$1" path
	shift
	for path in "$@"; do
		grep -qE "^$kind $path( |\$)" $FIXTURE || { diag "not taken: $path" && return 1; }
	done
}

take() {
	target_start
	path_connect_direct 1
	path_connect_direct 2
	wait_for_file "$(head_device)"
	await 10 both path_optimized || bail "a path is not optimized"
	/selftests/take-fixture >$FIXTURE
	check "there are a subsystem, controllers and disks" taken l \
		'sys/class/nvme-subsystem/nvme-subsys[0-9]+' "sys/class/nvme/$(path_ctrl 1)" \
		"sys/class/nvme/$(path_ctrl 2)" 'sys/class/block/nvme[0-9]+n1'
	check "and what they say" taken f '.*/subsysnqn' '.*/transport' '.*/address' '.*/state' \
		'.*/nvme[0-9]+c[0-9]+n1/ana_state' '.*/nvme[0-9]+n1/wwid' proc/kallsyms
	# Host identifiers are random.
	sed -i -E 's/^(f .*\/hostid) .*/\1 00000000-0000-4000-8000-000000000000\\n/' $FIXTURE
}

variant_fence() {
	plan 3
	fence_load || bail "the module does not load"
	take
	check "and what the module says" taken f '.*/fence/hold' '.*/fence/identity' \
		sys/module/nvme_fence/parameters/hold
}

variant_stock() {
	plan 2
	take
}
