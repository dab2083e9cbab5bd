# SPDX-License-Identifier: GPL-2.0
#
# The entry points. `make` alone explains them.

LAB := tools/lab

help:
	@sed -n 's/^## \?//p' Makefile

## make doctor            what this machine lacks for all of this, and what to do about it
## make test              everything below that is a test: kernels, module, tools are made first
## make test SCENARIO=X   one scenario (selftests/scenarios/X.sh) in all its variants
## make list              what scenarios there are
## make test-smp          scenarios in QEMU, with and without lockdep, KASAN and kmemleak
## make soak SEEDS=N      random faults and load from N seeds (FIRST_SEED=1, ROUNDS=25 for each); prints those that fail
## make bench             what the fence costs: counts instructions and memory, prints a table
## make bench-policy      what the policy does with interrupts off: counts instructions, prints a table
## make bench-failover    how long a failover takes: stock, by time, by reset
## make blktests BLKTESTS=DIR
##                        tests of that checkout of blktests, and ours, on two kernels in QEMU
## make demo              a ghost write, seen on a stock kernel and stopped by the fence
## make model             try everything that can happen around the policy, within bounds
## make mutants           change policy and module in small ways, and see that each is noticed
## make shell             a machine to play with: module loaded, target and two paths set up
## make vng KSRC=DIR [COMMAND="nvme-fence check"]
##                        the same in virtme-ng, with the kernel that was built in a tree of your own
## make kernel            both kernels of the laboratory, with and without the hook series
## make modules           nvme_fence.ko for the laboratory's kernel
## make modules KDIR=DIR  nvme_fence.ko for a kernel of your own: a full build tree with the hook series
## make tools             the user-space tools, as static binaries
## make man DIR=DIR       the man pages of nvme-fence, written to DIR
## make install           nvme-fence, its man pages, unit, udev rule and examples, below
##                        $DESTDIR$PREFIX (/usr/local)
## make uninstall         take away what was installed there
## make deb OUT=DIR        Debian packages: nvme-fence, and the module's source for DKMS
## make patch KSRC=DIR    apply fixes, hook series and target series to a kernel tree of your own
## make import KSRC=DIR   put the module into such a tree, as CONFIG_NVME_FENCE_POLICY; again after a change
## make series OUT=DIR AUTHOR="Name <address>" [V=N]
##                        all of it as mails for git send-email, a directory for each series
## make clean             remove what builds left in the checkout
## make clean-cache       remove the laboratory's cache: the next run starts from nothing
##
## Variables:
##   KERNEL=7.3             which kernel, 7.3 or 7.2, and so which series: drivers/nvme/patches/$KERNEL
##   KSRC=DIR               make the laboratory's kernels, or mails, for this tree; it is not changed
##   VNG="--cpus 4 ..."     for make vng: more options of vng(1)
##   UPDATE=1               look for a newer point release of the kernel's Debian package
##   KEEP=1                 keep console, trace and kernel log of machines that passed, too
##   SMP=1                  `make test` does what `make test-smp` does, too
##   SMP_KERNELS=fence-smp  only this kernel of the SMP machine
##   SEED=N ROUNDS=N        for scenarios that draw lots: what, and how often
##   TESTS=nvme/901         for make blktests: which (all of nvme)
##   JOBS=N                 how many machines run at once (one per processor; of the SMP machine one)
##   NVME_FENCE_MIRROR=URL  the Debian mirror (the one that apt on this machine uses)
##   NVME_FENCE_TOOLCHAIN=  host: this machine's toolchain; root: a Debian root made for it
##   CI=true                progress in few lines
##
## Everything made outside the checkout is in $XDG_CACHE_HOME/nvme-fence (~/.cache/nvme-fence).

doctor:
	@$(LAB)/doctor

# What is missing is said before the first minute is spent.
ready:
	@$(LAB)/doctor --quiet

test test-smp soak bench bench-failover blktests demo mutants shell vng kernel: ready

test:
	@selftests/all $(SCENARIO)

list:
	@selftests/list

test-smp:
	@selftests/all --smp $(SCENARIO)

soak:
	@selftests/sweep $(or $(SEEDS),$(error how many seeds? make soak SEEDS=N)) $(FIRST_SEED)

bench:
	@selftests/bench

bench-policy:
	@selftests/bench-policy

bench-failover:
	@selftests/bench-failover

blktests:
	@$(LAB)/blktests "$(BLKTESTS)" $(TESTS)

demo:
	@$(LAB)/demo

model:
	@$(LAB)/policy-check model

mutants:
	@$(LAB)/policy-check mutants
	@$(LAB)/policy-check shell-mutants

shell:
	@$(LAB)/shell

vng:
	@$(LAB)/vng

kernel:
	@$(LAB)/kernel stock
	@$(LAB)/kernel fence

modules:
ifdef KDIR
	@$(LAB)/built-tree "$(KDIR)"
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
else
	@$(LAB)/module
endif

tools:
	@$(LAB)/tools

man:
	@$(if $(DIR),,$(error which directory? make man DIR=DIR))
	@tools=$$($(LAB)/tools) && mkdir -p "$(DIR)" && "$$tools/nvme-fence" man "$(DIR)"

install uninstall:
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" $(LAB)/install $@

deb:
	@$(LAB)/deb "$(OUT)"

patch:
	@$(LAB)/patch-tree "$(KSRC)"

import:
	@$(LAB)/import-tree "$(KSRC)"

series:
	@$(LAB)/mail-series "$(OUT)" "$(AUTHOR)" "$(V)"

clean:
	git clean -fdXq -- drivers rust tools ':(glob)*' ':(glob).*'

clean-cache:
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/nvme-fence"

.PHONY: help doctor ready test list test-smp soak bench bench-policy bench-failover blktests demo model mutants shell vng kernel modules tools man install uninstall deb patch import series clean clean-cache
