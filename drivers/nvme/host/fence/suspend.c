// SPDX-License-Identifier: GPL-2.0
/*
 * nvme_fence: let held commands end before the machine goes to sleep.
 *
 * Who waits for a command that is held can not be frozen: the freezer would
 * give up after 20 seconds, and the machine stay awake.  What is held ends in
 * a time that is known, so wait for that before anybody is frozen.
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/suspend.h>
#include <linux/wait.h>
#include "glue.h"

static DECLARE_WAIT_QUEUE_HEAD(nvme_fence_drained);
/* How often commands have left */
static atomic_t nvme_fence_departures;

/* Commands have left. */
void nvme_fence_wake_suspend(void)
{
	atomic_inc(&nvme_fence_departures);
	wake_up_all(&nvme_fence_drained);
}

/*
 * How long to wait before looking again, in jiffies: until the deadline of
 * what is held, and a moment for it to leave.  It may be free before that,
 * or have got another deadline.
 */
static long nvme_fence_suspend_wait(u64 until_ns, u64 now)
{
	return nsecs_to_jiffies(until_ns > now ? until_ns - now : 0) + HZ / 10;
}

static int nvme_fence_wait_for_held(void)
{
	int departures;
	u64 until, now;
	long ret;

	for (;;) {
		/* before looking, so that no departure is missed */
		departures = atomic_read(&nvme_fence_departures);
		until = nvme_fence_rs_held_until(nvme_fence_host);
		if (!until)
			return 0;
		if (until == U64_MAX) {
			pr_warn("not going to sleep: commands are held without a time limit, and only a reset through another controller or the administrator can free them\n");
			return -EBUSY;
		}
		now = ktime_get_ns();
		if (until > now)
			pr_info("before going to sleep, waiting up to %llu ms for commands that are held\n",
				div_u64(until - now, NSEC_PER_MSEC));
		ret = wait_event_killable_timeout(
			nvme_fence_drained,
			atomic_read(&nvme_fence_departures) != departures,
			nvme_fence_suspend_wait(until, now));
		if (ret < 0)
			return ret;
	}
}

static int nvme_fence_pm_notify(struct notifier_block *nb,
				unsigned long action, void *data)
{
	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	return notifier_from_errno(nvme_fence_wait_for_held());
}

static struct notifier_block nvme_fence_pm_notifier = {
	.notifier_call = nvme_fence_pm_notify,
};

int nvme_fence_suspend_init(void)
{
	return register_pm_notifier(&nvme_fence_pm_notifier);
}

void nvme_fence_suspend_exit(void)
{
	unregister_pm_notifier(&nvme_fence_pm_notifier);
}
