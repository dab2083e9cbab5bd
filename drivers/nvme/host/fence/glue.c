// SPDX-License-Identifier: GPL-2.0
/*
 * nvme_fence: what has to be C, because it touches C structures and macros.
 * No decision is made here.
 */
#include <linux/hrtimer.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include "nvme.h"
#include "fabrics.h"
#include "glue.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

char *nvme_fence_param_hold = "all";
module_param_named(hold, nvme_fence_param_hold, charp, 0444);
MODULE_PARM_DESC(hold,
		 "which commands wait: all, overlap or none (default: all)");

char *nvme_fence_param_evidence;
module_param_named(evidence, nvme_fence_param_evidence, charp, 0444);
MODULE_PARM_DESC(evidence,
		 "what is believed, any of: ccr,time,reconnect,reconnect-by-id,disabled,notification,target (default: ccr,time,reconnect,disabled)");

unsigned int nvme_fence_param_cqt_default_ms = 10000;
module_param_named(cqt_default_ms, nvme_fence_param_cqt_default_ms, uint, 0444);
MODULE_PARM_DESC(cqt_default_ms,
		 "Command Quiesce Time of controllers that report none (default: 10000)");

unsigned int nvme_fence_param_cqt_override_ms;
module_param_named(cqt_override_ms, nvme_fence_param_cqt_override_ms, uint, 0444);
MODULE_PARM_DESC(cqt_override_ms,
		 "Command Quiesce Time whatever controllers report, 0 for none (default: 0)");

unsigned int nvme_fence_param_tracked_max = 1024;
module_param_named(tracked_max, nvme_fence_param_tracked_max, uint, 0444);
MODULE_PARM_DESC(tracked_max,
		 "ranges that can be tracked for a lost path, 32 bytes each, see hold=overlap (default: 1024)");

/*
 * WQ_MEM_RECLAIM: what is held may have to be written to free memory.  Nothing
 * that runs here waits, but for the console, when all else is done.
 */
static struct workqueue_struct *nvme_fence_wq;
/* What Rust is called with that is not about one controller or subsystem */
static void *nvme_fence_host;

static void nvme_fence_expired(struct work_struct *work)
{
	nvme_fence_rs_expired(container_of(work, struct nvme_fence_clock,
					   expiry_work));
}

static enum hrtimer_restart nvme_fence_timer_fn(struct hrtimer *timer)
{
	struct nvme_fence_clock *clock =
		container_of(timer, struct nvme_fence_clock, timer);

	queue_work(nvme_fence_wq, &clock->expiry_work);
	return HRTIMER_NORESTART;
}

static void nvme_fence_ask(struct work_struct *work)
{
	nvme_fence_rs_ask(container_of(work, struct nvme_fence_clock,
				       ask_work));
}

void nvme_fence_clock_init(struct nvme_fence_clock *clock)
{
	INIT_WORK(&clock->expiry_work, nvme_fence_expired);
	INIT_WORK(&clock->ask_work, nvme_fence_ask);
	spin_lock_init(&clock->lock);
	clock->stopped = false;
	hrtimer_setup(&clock->timer, nvme_fence_timer_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
}

/*
 * There is one timer, for the earliest deadline.  A timer wheel would be late
 * by up to an eighth of the wait.
 */
void nvme_fence_clock_arm(struct nvme_fence_clock *clock, u64 at_ns)
{
	guard(spinlock_irqsave)(&clock->lock);
	if (!clock->stopped)
		hrtimer_start(&clock->timer, ns_to_ktime(at_ns),
			      HRTIMER_MODE_ABS);
}

void nvme_fence_clock_ask(struct nvme_fence_clock *clock)
{
	guard(spinlock_irqsave)(&clock->lock);
	if (!clock->stopped)
		queue_work(nvme_fence_wq, &clock->ask_work);
}

void nvme_fence_clock_flush_ask(struct nvme_fence_clock *clock)
{
	flush_work(&clock->ask_work);
}

/* For good: what still runs, or comes later, starts nothing. */
void nvme_fence_clock_stop(struct nvme_fence_clock *clock)
{
	scoped_guard(spinlock_irqsave, &clock->lock) {
		if (clock->stopped)
			return;
		clock->stopped = true;
	}
	hrtimer_cancel(&clock->timer);
	cancel_work_sync(&clock->expiry_work);
	cancel_work_sync(&clock->ask_work);
}

int nvme_fence_glue_read_log(struct nvme_ctrl *ctrl, bool lost_host,
			     bool retain_event, bool remove_completed,
			     unsigned long cookie)
{
	return nvme_fence_read_log(ctrl,
				   lost_host ? NVME_LOG_LOST_HOST_COMM :
				   NVME_LOG_CCR, retain_event,
				   remove_completed ? NVME_CCR_LOG_LSP_RMC : 0,
				   cookie);
}

void nvme_fence_ctrl_get(struct nvme_ctrl *ctrl)
{
	nvme_get_ctrl(ctrl);
}

void nvme_fence_ctrl_put(struct nvme_ctrl *ctrl)
{
	nvme_put_ctrl(ctrl);
}

/* Whether there is a namespace to which this controller is an optimized path. */
bool nvme_fence_optimized(struct nvme_ctrl *ctrl)
{
	struct nvme_ns *ns;

	guard(srcu)(&ctrl->srcu);
	list_for_each_entry_srcu(ns, &ctrl->namespaces, list,
				 srcu_read_lock_held(&ctrl->srcu)) {
#ifdef CONFIG_NVME_MULTIPATH
		if (READ_ONCE(ns->ana_state) != NVME_ANA_OPTIMIZED)
			continue;
#endif
		return true;
	}
	return false;
}

#ifdef NVME_FENCE_OWN_LOCK
void nvme_fence_lock_init(spinlock_t *lock, const char *name,
			  struct lock_class_key *key)
{
#if !defined(CONFIG_DEBUG_SPINLOCK)
	spin_lock_init(lock);
#elif defined(CONFIG_PREEMPT_RT)
	/* a spinlock_t is an rtmutex then, and has no spinlock_check() */
	__spin_lock_init(lock, name, key, false);
#else
	__raw_spin_lock_init(spinlock_check(lock), name, key, LD_WAIT_CONFIG);
#endif
}

unsigned long nvme_fence_lock(spinlock_t *lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}

bool nvme_fence_trylock(spinlock_t *lock, unsigned long *flags)
{
	return spin_trylock_irqsave(lock, *flags);
}

void nvme_fence_unlock(spinlock_t *lock, unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}

void nvme_fence_assert_locked(spinlock_t *lock)
{
	lockdep_assert_held(lock);
}
#endif

void nvme_fence_trace_lost(const struct nvme_fence_rec *rec, u16 cntlid, u8 ciu)
{
	trace_nvme_fence_lost(rec, cntlid, ciu);
}

void nvme_fence_trace_hold(const struct nvme_fence_rec *rec,
			   const struct nvme_fence_cmd *cmd)
{
	trace_nvme_fence_hold(rec, cmd);
}

void nvme_fence_trace_track(const struct nvme_fence_rec *rec,
			    const struct nvme_fence_cmd *cmd)
{
	trace_nvme_fence_track(rec, cmd);
}

void nvme_fence_trace_wait(const struct nvme_fence_rec *rec,
			   const struct nvme_fence_cmd *cmd)
{
	trace_nvme_fence_wait(rec, cmd);
}

void nvme_fence_trace_deadline(const struct nvme_fence_rec *rec,
			       const struct nvme_fence_wait *wait)
{
	trace_nvme_fence_deadline(rec, wait);
}

void nvme_fence_trace_evidence(const struct nvme_fence_rec *rec, u8 evidence)
{
	trace_nvme_fence_evidence(rec, evidence);
}

void nvme_fence_trace_release(const struct nvme_fence_rec *rec, u8 evidence,
			      u64 held_ns)
{
	trace_nvme_fence_release(rec, evidence, held_ns);
}

void nvme_fence_trace_reset(const struct nvme_fence_rec *rec,
			    const struct nvme_fence_reset *reset)
{
	trace_nvme_fence_reset(rec, reset);
}

/* Only used to prefer one source to another, so it may be a hash. */
static u64 nvme_fence_hash(const char *address, const char *detail)
{
	address = address ?: "";
	detail = detail ?: "";
	return (u64)jhash(address, strlen(address), 0) << 32 |
		jhash(detail, strlen(detail), 0);
}

static void *nvme_fence_op_attach(struct nvme_ctrl *ctrl)
{
	const struct nvme_fence_ctrl_info info = {
		.ctrl = ctrl,
		.port = ctrl->fence_port,
		.host_port = nvme_fence_hash(ctrl->opts->host_traddr,
					     ctrl->opts->host_iface),
		.ctrl_dir = &ctrl->device->kobj,
		.nqn = ctrl->subsys->subnqn,
		.subsys_dir = &ctrl->subsys->dev.kobj,
		.instance = ctrl->instance,
	};

	return nvme_fence_rs_attach(nvme_fence_host, &info);
}

static void nvme_fence_op_aen(void *fence, u32 result)
{
	u8 notice = (result & 0xff00) >> 8;

	nvme_fence_rs_news(fence, notice == NVME_AER_NOTICE_LOST_HOST_COMM);
}

static const struct nvme_fence_ops nvme_fence_policy_ops = {
	.attach		= nvme_fence_op_attach,
	.detach		= nvme_fence_rs_detach,
	.open		= nvme_fence_rs_open,
	.forget		= nvme_fence_rs_forget,
	.event		= nvme_fence_rs_event,
	.closed		= nvme_fence_rs_closed,
	.hold		= nvme_fence_rs_hold,
	.overlaps	= nvme_fence_rs_overlaps,
	.repeated	= nvme_fence_rs_repeated,
	.drained	= nvme_fence_rs_drained,
	.aen		= nvme_fence_op_aen,
	.ccr_answered	= nvme_fence_rs_reset_answered,
	.log		= nvme_fence_rs_log_read,
};

int nvme_fence_glue_register(void)
{
	return nvme_fence_register(&nvme_fence_policy_ops);
}

void nvme_fence_glue_unregister(void)
{
	nvme_fence_unregister(&nvme_fence_policy_ops);
}

int nvme_fence_glue_init(void *host)
{
	nvme_fence_wq = alloc_workqueue("nvme-fence-decide",
					WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!nvme_fence_wq)
		return -ENOMEM;
	nvme_fence_host = host;
	return 0;
}

void nvme_fence_glue_exit(void)
{
	destroy_workqueue(nvme_fence_wq);
}
