/* The scenario timer-wfi in era v7.2, written for Spin: one VCPU on one CPU, no preemption.
 *
 * One process per task of the model, one atomic block per step. Names are those of the model's steps
 * (harness/kvm/steps.py and the actors). Only what this scenario uses is here: the virtual timer's
 * interrupt, one List Register, one soft timer. Rules are not.
 *
 * With -DHISTORY (and spin -o2, so that what is only written counts) each execution's end prints what
 * the guest saw, one line; that is part of the state then. Times are ns after the start.
 */

#define IDLE_PRIORITY (!running_priority)
#define IRQS_CLEAR (!in_irq && !pin && !soft)
#define MAY_GO (irqs_off || IRQS_CLEAR)
#define OUTPUT (hw_ctl == 1 && hw_cval <= now)
#define LINE_DIFFERS (line != OUTPUT)
#define IRQ_SIGNAL (line && !phys_active && IDLE_PRIORITY)
#define PIN_DIFFERS (pin != IRQ_SIGNAL)
#define VIRQ (hcr && lr == PENDING && vpmr == 240 && !apr)
#define FIRES_IN_MEMORY (ctl == 1 && cval <= now)
#define ORACLE (irq_active || line_level)

#define INACTIVE 0
#define PENDING 1
#define ACTIVE 2

#define NOBODY 0
#define THREAD 1
#define HANDLER 2

#define RUNNING 0
#define INTERRUPTIBLE 1
#define OUTSIDE 0
#define IN_GUEST 1
#define EXITING 2

#define NO_EXIT 0
#define BY_IRQ 1
#define BY_WFI 2
#define BY_USER 3
#define BY_HALT 4

#define ISR_NONE 0
#define ISR_IAR 1
#define ISR_DEVICE 2
#define ISR_EOIR 3

/* virtual time, the CPU's timer, KVM's copy of it, the soft timer */
short now = 0;
short hw_cval = 0, cval = 0, expiry = 0;
bit hw_ctl = 0, ctl = 0, loaded = 0, irq_level = 0;
bit armed = 0, callback = 0;

/* the distributor, the CPU interface, what is in flight */
bit line = 0, phys_active = 0, running_priority = 0, pin = 0, soft = 0;
byte deactivations = 0;
bit line_age = 0, pin_age = 0;

/* the virtual interface */
bit hcr = 0, apr = 0;
byte lr = INACTIVE, vpmr = 240;

/* the vgic: the interrupt, its ap_list, the shadow List Register */
bit line_level = 0, irq_active = 0, on_list = 0, shadow_used = 0, shadow_hcr = 0;
byte irq_lock = NOBODY, ap_list_lock = NOBODY, shadow_lr = INACTIVE, vmcr_pmr = 240;
bit saved_apr = 0;

/* the CPU and the thread */
bit owned = 0, irqs_off = 0, in_irq = 0, is_running = 0;
bit waiting = 0, blocking = 0, request = 0, state = RUNNING;
byte mode = OUTSIDE;

/* the guest */
byte pc = 0, sub = 0, isr = ISR_NONE, taken = 0, pmr = 240;
bit masked = 0;

#ifdef HISTORY
#define EVENTS 48
byte events = 0;
byte what[EVENTS];
short with[EVENTS];
#define TELL(code, value) what[events] = code; with[events] = value; events++
#else
#define TELL(code, value) skip
#endif

inline deliver_line() { line = OUTPUT; line_age = 0 }

inline deliver_deactivations() {
  do
  :: deactivations > 0 -> deactivations--; phys_active = 0
  :: else -> break
  od
}

inline before_access() { deliver_line(); deliver_deactivations() }

inline grow_old() {
  if
  :: !LINE_DIFFERS -> line_age = 0
  :: LINE_DIFFERS && line_age -> deliver_line()
  :: LINE_DIFFERS && !line_age -> line_age = 1
  fi;
  if
  :: !PIN_DIFFERS -> pin_age = 0
  :: PIN_DIFFERS && pin_age -> pin = IRQ_SIGNAL; pin_age = 0
  :: PIN_DIFFERS && !pin_age -> pin_age = 1
  fi
}

inline set_mask(on) {
  if
  :: masked != on -> masked = on; TELL('M', on * 1000 + pmr)
  :: else
  fi
}

/* -- KVM: injection, by the thread (interrupts on, saved) or by a handler ------------------------ */

inline wake_up(woken) {
  if
  :: waiting && state == INTERRUPTIBLE -> state = RUNNING; woken = 1
  :: else -> woken = 0
  fi
}

/* kvm_make_request and kvm_vcpu_kick; "free" is when a step of whoever does it can be made */
inline request_and_kick(free, woken) {
  atomic { free -> request = 1 };                                   /* make_request */
  atomic { free -> wake_up(woken) };                                /* wake_up */
  if
  :: woken
  :: else ->
    atomic {                                                        /* kick_mode */
      free ->
      if
      :: mode == IN_GUEST -> mode = EXITING
      :: else
      fi
    }
  fi
}

inline irqs_on_if(saved) {
  if
  :: saved -> irqs_off = 0
  :: else
  fi
}

/* kvm_vgic_inject_irq */
inline inject(who, saved, level, free, woken, again) {
  if
  :: saved -> atomic { MAY_GO -> irqs_off = 1 }                     /* irq_save */
  :: else
  fi;
  atomic { irq_lock == NOBODY -> irq_lock = who };                  /* inject */
  if
  :: line_level == level ->
    atomic { irq_lock = NOBODY; irqs_on_if(saved) }                 /* inject_unlock */
  :: else ->
    line_level = level;
    again = 1;
    do
    :: !again -> break
    :: again && (on_list || !ORACLE) ->
      again = 0;
      if
      :: ORACLE ->
        atomic { irq_lock = NOBODY; irqs_on_if(saved) };            /* inject_unlock */
        request_and_kick(free, woken)
      :: else -> atomic { irq_lock = NOBODY; irqs_on_if(saved) }
      fi
    :: again && !on_list && ORACLE ->
      atomic { irq_lock = NOBODY; irqs_on_if(saved) };              /* inject_unlock */
      if
      :: saved -> atomic { MAY_GO -> irqs_off = 1 }
      :: else
      fi;
      atomic { ap_list_lock == NOBODY -> ap_list_lock = who };      /* queue_ap_list */
      atomic {                                                      /* queue_irq */
        irq_lock == NOBODY -> irq_lock = who;
        if
        :: !on_list && ORACLE -> on_list = 1; again = 0
        :: else
        fi
      };
      atomic { irq_lock = NOBODY; ap_list_lock = NOBODY; irqs_on_if(saved) };  /* queue_unlock */
      if
      :: !again -> request_and_kick(free, woken)
      :: else ->
        if
        :: saved -> atomic { MAY_GO -> irqs_off = 1 }
        :: else
        fi;
        atomic { irq_lock == NOBODY -> irq_lock = who }
      fi
    od
  fi
}

/* -- KVM: load, put, flush, sync --------------------------------------------------------------- */

inline vcpu_load() {
  atomic { MAY_GO -> is_running = 1 };                              /* set_running */
  atomic { MAY_GO -> before_access(); vpmr = vmcr_pmr; apr = saved_apr };  /* vgic_load */
  atomic { MAY_GO -> level = FIRES_IN_MEMORY; irq_level = level };  /* timer_update */
  inject(THREAD, 1, level, MAY_GO, woken, again);
  atomic { irq_lock == NOBODY && MAY_GO -> level = irq_active };    /* map_is_active */
  atomic { MAY_GO -> before_access(); phys_active = (irq_level || level); level = 0 };  /* phys_active */
  atomic {                                                          /* soft_cancel */
    !callback && MAY_GO ->
    if
    :: armed -> soft = 0; armed = 0; expiry = 0
    :: else
    fi
  };
  atomic { MAY_GO -> before_access(); hw_cval = cval; hw_ctl = ctl; loaded = 1; cval = 0; ctl = 0 }
}                                                                   /* timer_restore */

inline vcpu_put() {
  atomic {                                                          /* timer_save */
    MAY_GO -> cval = hw_cval; ctl = hw_ctl; hw_ctl = 0; hw_cval = 0; loaded = 0
  };
  if
  :: blocking && ctl == 1 ->
    atomic {                                                        /* soft_arm */
      MAY_GO ->
      armed = 1;
      expiry = (cval > now -> cval : now);
      if
      :: expiry <= now -> soft = 1
      :: else
      fi
    }
  :: else
  fi;
  atomic { MAY_GO -> vmcr_pmr = vpmr; saved_apr = apr };            /* vgic_put */
  atomic { MAY_GO -> is_running = 0 }                               /* clear_running */
}

inline flush_lrs() {
  atomic { ap_list_lock == NOBODY -> ap_list_lock = THREAD; shadow_used = 0 };
  atomic {                                                          /* populate_lr */
    irq_lock == NOBODY -> irq_lock = THREAD;
    if
    :: irq_active -> shadow_lr = ACTIVE; shadow_used = 1
    :: !irq_active && line_level -> shadow_lr = PENDING; line_level = 0; shadow_used = 1
    :: else
    fi
  };
  atomic { irq_lock = NOBODY };                                     /* irq_unlock */
  atomic { shadow_hcr = 1; ap_list_lock = NOBODY };                 /* flush_hcr */
  atomic {                                                          /* write_lrs */
    before_access();
    hcr = 1;
    if
    :: shadow_used -> lr = shadow_lr; shadow_lr = INACTIVE
    :: else
    fi
  }
}

inline sync_vgic() {
  atomic {                                                          /* save_lrs */
    if
    :: shadow_used -> shadow_lr = lr; lr = INACTIVE
    :: else
    fi;
    hcr = 0
  };
  if
  :: shadow_used ->
    atomic {                                                        /* fold_lr */
      irq_lock == NOBODY -> irq_lock = THREAD;
      again = (shadow_lr == PENDING || (irq_active && shadow_lr != ACTIVE && line_level));
      irq_active = (shadow_lr == ACTIVE);
      shadow_lr = INACTIVE
    };
    if
    :: again ->
      atomic {                                                      /* resample */
        again = 0;
        line_level = OUTPUT;
        if
        :: !line_level -> before_access(); phys_active = 0
        :: else
        fi
      }
    :: else
    fi;
    atomic { irq_lock = NOBODY }                                    /* irq_unlock */
  :: else
  fi;
  atomic {                                                          /* prune_ap_list */
    ap_list_lock == NOBODY -> ap_list_lock = THREAD; shadow_used = 0; shadow_hcr = 0
  };
  if
  :: on_list ->
    atomic {                                                        /* prune_irq */
      irq_lock == NOBODY -> irq_lock = THREAD;
      if
      :: !ORACLE -> on_list = 0
      :: else
      fi
    };
    atomic { irq_lock = NOBODY }                                    /* irq_unlock */
  :: else
  fi;
  atomic { ap_list_lock = NOBODY }                                  /* ap_list_unlock */
}

/* -- the guest: timer 100, idle 1, pmr 0, timer 50, user, pmr 0xF0, idle 2, halt ---------------- */

#define IS_TIMER (pc == 0 || pc == 3)
#define IS_IDLE (pc == 1 || pc == 6)
#define IS_PMR (pc == 2 || pc == 5)
#define WAITED_FOR (taken >= (pc == 1 -> 1 : 2))

inline fetch() {
  if
  :: VIRQ && !isr && !masked -> isr = ISR_IAR
  :: else
  fi;
  if
  :: !isr && IS_IDLE ->
    if
    :: WAITED_FOR -> set_mask(0); pc++
    :: !WAITED_FOR && !pin && !soft -> set_mask(1)
    :: else
    fi
  :: else
  fi
}

inline execute() {
  if
  :: isr == ISR_IAR ->
    if
    :: VIRQ -> lr = ACTIVE; apr = 1; isr = ISR_DEVICE; TELL('A', 27)
    :: else -> isr = ISR_NONE; TELL('A', 1023)
    fi
  :: isr == ISR_DEVICE -> hw_ctl = 0; isr = ISR_EOIR; TELL('T', hw_cval)
  :: isr == ISR_EOIR ->
    TELL('E', 27);
    apr = 0;
    lr = INACTIVE;
    if
    :: !OUTPUT && LINE_DIFFERS -> deliver_line()
    :: else
    fi;
    deactivations++;
    taken++;
    isr = ISR_NONE
  :: !isr && IS_TIMER && !sub ->
    hw_cval = now + (pc == 0 -> 100 : 50); sub = 1; TELL('T', hw_ctl * 1000 + hw_cval)
  :: !isr && IS_TIMER && sub -> hw_ctl = 1; sub = 0; pc++; TELL('T', 1000 + hw_cval)
  :: !isr && IS_IDLE ->
    again = VIRQ;
    set_mask(0);
    TELL('W', again);
    if
    :: again -> again = 0
    :: else -> why = BY_WFI
    fi
  :: !isr && IS_PMR ->
    pmr = (pc == 2 -> 0 : 240); vpmr = pmr; pc++; TELL('M', masked * 1000 + pmr)
  :: !isr && pc == 4 -> pc++; why = BY_USER
  :: !isr && pc == 7 -> why = BY_HALT
  fi
}

/* -- processes ----------------------------------------------------------------------------------- */

active proctype vcpu() {
  byte why = NO_EXIT;
  bit level = 0, woken = 0, again = 0;
  atomic { !owned && !in_irq -> owned = 1 };                        /* acquire */
  vcpu_load();
  do
  :: why == BY_HALT -> break
  :: else ->
    atomic { MAY_GO -> request = 0 };                               /* check_requests */
    atomic { MAY_GO -> irqs_off = 1 };                              /* irq_disable */
    if
    :: on_list -> flush_lrs()
    :: else
    fi;
    atomic { mode = IN_GUEST };                                     /* mode_in_guest */
    atomic {                                                        /* recheck_requests */
      if
      :: request -> mode = OUTSIDE; again = 1
      :: else
      fi
    };
    if
    :: again -> atomic { again = 0; why = NO_EXIT }                 /* abort_entry */
    :: else ->
      atomic { deliver_deactivations(); grow_old(); why = NO_EXIT; fetch() };  /* enter */
      do
      :: why == NO_EXIT ->
        atomic {
          if
          :: pin || soft -> why = BY_IRQ                            /* exit_irq */
          :: else -> execute();
            if
            :: why == NO_EXIT -> fetch()
            :: else
            fi
          fi
        }
      :: else -> break
      od;
      atomic { mode = OUTSIDE; deliver_line() }                     /* mode_outside */
    fi;
    if
    :: shadow_hcr || on_list -> sync_vgic()
    :: else
    fi;
    atomic { irqs_off = 0 };                                        /* irq_enable */
    if
    :: why == BY_WFI ->
      atomic { MAY_GO -> vmcr_pmr = vpmr };                         /* sync_vmcr */
      atomic { MAY_GO -> waiting = 1; blocking = 1 };               /* prepare_wait */
      do
      :: why == BY_WFI ->
        atomic { MAY_GO -> state = INTERRUPTIBLE };                 /* set_interruptible */
        atomic {                                                    /* check_block */
          MAY_GO ->
          if
          :: on_list && line_level && !irq_active && vmcr_pmr == 240 -> why = NO_EXIT
          :: else
          fi
        };
        if
        :: why == BY_WFI ->
          atomic {                                                  /* sched_irqs_off */
            MAY_GO ->
            if
            :: state == INTERRUPTIBLE -> irqs_off = 1; again = 1
            :: else
            fi
          };
          if
          :: again ->
            again = 0;
            vcpu_put();
            atomic { owned = 0; irqs_off = 0 };                     /* release */
            atomic { state == RUNNING && !owned && !in_irq -> owned = 1 };  /* acquire */
            vcpu_load()
          :: else
          fi
        :: else
        fi
      :: else -> break
      od;
      atomic { MAY_GO -> state = RUNNING; waiting = 0; blocking = 0 }  /* finish_wait */
    :: why == BY_USER ->
      vcpu_put();
      atomic { MAY_GO -> TELL('U', 0) };                            /* user_space */
      vcpu_load()
    :: else
    fi
  od;
  atomic { MAY_GO -> TELL('H', 0) };                                /* halted */
  vcpu_put();
  atomic {                                                          /* release */
    MAY_GO -> owned = 0; irqs_off = 0;
#ifdef HISTORY
    printf("history");
    sub = 0;
    do
    :: sub < events -> printf(" %c%d", what[sub], with[sub]); sub++
    :: else -> break
    od;
    printf("\n")
#endif
  }
}

active proctype host_irq() {
  byte intid = 0;
  bit level = 0, woken = 0, again = 0;
end:
  do
  :: atomic { pin && !irqs_off && !in_irq -> grow_old(); in_irq = 1 };  /* irq_take */
    atomic {                                                        /* host_iar */
      if
      :: IRQ_SIGNAL -> phys_active = 1; running_priority = 1; intid = 27
      :: else -> intid = 0
      fi;
      pin = IRQ_SIGNAL;
      pin_age = 0;
      if
      :: !intid -> in_irq = 0
      :: else
      fi
    };
    if
    :: intid ->
      atomic { running_priority = 0; intid = 0 };                   /* host_eoir */
      atomic { level = is_running };                                /* isr_timer */
      if
      :: level ->
        atomic {                                                    /* isr_should_fire */
          level = (loaded -> OUTPUT : FIRES_IN_MEMORY);
          if
          :: level -> irq_level = 1
          :: else
          fi
        };
        if
        :: level -> level = 0; inject(HANDLER, 0, 1, true, woken, again); woken = 0
        :: else
        fi
      :: else
      fi;
      atomic { in_irq = 0 }                                         /* irq_end */
    :: else
    fi
  od
}

active proctype soft_timer() {
  bit woken = 0;
end:
  do
  :: atomic {                                                       /* soft_fire */
      armed && soft && !irqs_off && !in_irq && IDLE_PRIORITY ->
      soft = 0; armed = 0; expiry = 0; callback = 1; grow_old(); in_irq = 1
    };
    atomic {                                                        /* soft_callback */
      if
      :: ctl == 1 && cval > now ->
        armed = 1; callback = 0; expiry = cval; in_irq = 0
      :: else
      fi
    };
    if
    :: callback ->
      atomic { wake_up(woken); woken = 0 };                         /* wake_up */
      atomic { callback = 0; in_irq = 0 }                           /* soft_end */
    :: else
    fi
  od
}

active proctype clock() {
end:
  do
  :: atomic {                                                       /* clock_tick */
      (hw_ctl == 1 && hw_cval > now) || (armed && expiry > now) ->
      if
      :: hw_ctl == 1 && hw_cval > now && !(armed && expiry > now && expiry < hw_cval) ->
        now = hw_cval
      :: else -> now = expiry
      fi;
      if
      :: armed && expiry <= now -> soft = 1
      :: else
      fi
    }
  od
}

active proctype gic_line() {
end:
  do
  :: atomic { LINE_DIFFERS -> deliver_line() }
  od
}

active proctype gic_deactivate() {
end:
  do
  :: atomic { deactivations > 0 -> deactivations--; phys_active = 0 }
  od
}

active proctype gic_pin() {
end:
  do
  :: atomic { PIN_DIFFERS -> pin = IRQ_SIGNAL; pin_age = 0 }
  od
}
