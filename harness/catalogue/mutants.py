"""The variants of the tests that break each rule: by ``python -m tests.rule_mutants``.

Of each rule the names, in ``tests/race``, each with the scenario in which it shows.
"""

__all__ = ["MUTANTS"]

MUTANTS: dict[str, tuple[tuple[str, str], ...]] = {
    "G1": (
        ("ReadsHaltNobody", "read-while-handled.toml"),
        ("SwitchReadsOn", "dist-switched.toml"),
        ("EnabledReadsAsOne", "registers"),
        ("EnabledOfTheReader", "far-registers.toml"),
        ("PriorityIgnored", "registers"),
        ("PriorityWithLowBits", "registers"),
        ("RoutedNowhereElse", "far-registers.toml"),
        ("ReadsUnanswered", "smp-mix"),
    ),
    "G10": (
        ("SenderWrong", "two-senders.toml"),
    ),
    "G11": (
        ("PrioritiesForgotten", "registers"),
        ("SgisNowhere", "registers"),
        ("AnotherNumber", "registers"),
    ),
    "G12": (
        ("RestoredMasked", "ctl-after-exit.toml"),
        ("OffsetForgotten", "registers"),
        ("SavesTimerWrong", "registers"),
        ("ReadsAnotherTime", "registers"),
        ("ReadsTheOtherTimer", "registers"),
    ),
    "G13": (
        ("DropsUserAccess", "many-exits.toml"),
        ("EndsEarly", "timer-wfi"),
        ("GoesOnForEver", "timer-busy"),
        ("ForgetsDevices", "spi-soft-level"),
    ),
    "G14": (
        ("PutForgetsMask", "masked-over-exits.toml"),
        ("PutEnablesGroup", "masked-over-exits.toml"),
        ("PutForgetsRunning", "handles-over-exit.toml"),
    ),
    "G15": (
        ("SortsBackwards", "overflow"),
        ("BetweenSenders", "several-first.toml"),
    ),
    "G2": (
        ("GroupAsAtFirst", "groups.toml"),
        ("DisableIgnored", "distributor.toml"),
        ("SwitchIgnored", "dist-switched.toml"),
    ),
    "G3": (
        ("LatchKept", "spi-edge"),
        ("EdgeOutlivesReset", "reset-edges.toml"),
    ),
    "G4": (
        ("ActiveWrittenWrong", "smp-mix"),
    ),
    "G5": (
        ("RouteIgnored", "retarget"),
    ),
    "G6": (
        ("PrunesActive", "migrate"),
    ),
    "G7": (
        ("SaysItKicks", "spi-edge"),
        ("NeverFinishesWaiting", "spi-edge"),
        ("OneSenderIsEnough", "senders-busy.toml"),
    ),
    "G8": (
        ("BlindHandler", "timer-busy"),
        ("ActiveLeft", "timer-phys"),
    ),
    "G9": (
        ("SgiIgnored", "save"),
    ),
    "I1": (
        ("v4.14+23", "timer-wfi"),
        ("ActiveNotRestored", "timer-phys"),
    ),
    "I10": (
        ("SeedAlwaysActive", "timer-busy"),
    ),
    "I11": (
        ("v7.2+29", "timer-wfi"),
        ("v7.2+26", "timer-phys"),
        ("v7.2+26-load", "timer-phys"),
        ("NeverArmed", "timer-phys"),
        ("NeverEmulates", "timer-phys"),
        ("SleepsOnOne", "timer-phys"),
    ),
    "I12": (
        ("RequestsNotRechecked", "many-exits.toml"),
        ("SaysItKicks", "spi-edge"),
        ("OldSaysItKicks", "lpi"),
        ("NpieForNothing", "overflow"),
    ),
    "I13": (
        ("NoEndOfUnclaimed", "timer-busy"),
        ("SeedNoEndOfUnclaimed", "timer-busy"),
    ),
    "I14": (
        ("LeavesControlOn", "active-outside.toml"),
        ("NpieForActive", "overflow-dir"),
    ),
    "I15": (
        ("TimerLeftOn", "migrate"),
        ("PtimerLeftOn", "timer-phys"),
    ),
    "I16": (
        ("V7_2OnEmptyHostAck", "timer-busy"),
        ("V4_14OnEmptyGuestAck", "timer-wfi"),
        ("V7_2OnSignalsNothing", "timer-wfi"),
    ),
    "I17": (
        ("CancelsAtOnce", "migrate"),
        ("KeepsEmulating", "timer-phys"),
    ),
    "I18": (
        ("NoEoiBit", "timer-phys"),
        ("EoiBitOfAll", "timer-wfi"),
        ("SourceOfAll", "timer-wfi"),
    ),
    "I19": (
        ("PutTwice", "spi-soft-level"),
        ("LoadsTwice", "spi-soft-level"),
    ),
    "I2": (
        ("LeftActiveAtExit", "line-falls.toml"),
        ("AlwaysActive", "timer-wfi"),
        ("SeedAlwaysActive", "timer-wfi"),
        ("EnablesAndKeeps", "timer-busy"),
        ("ActiveLeft", "timer-phys"),
        ("NotReleased", "ptimer-masked.toml"),
    ),
    "I3": (
        ("PendingAndActive", "migrate"),
        ("SgisShareARegister", "senders-busy.toml"),
    ),
    "I4": (
        ("MovesWithoutRemoving", "smp-mix"),
        ("SavesWithoutZeroing", "migrate"),
    ),
    "I5": (
        ("PrunesActive", "migrate"),
        ("NeverQueuesSgis", "reset"),
    ),
    "I6": (
        ("FoldLosesPending", "spi-edge"),
        ("DropsWhileQueued", "lpi"),
        ("LatchKept", "spi-edge"),
        ("LatchKept", "lpi"),
        ("SeedLatchKept", "reset"),
        ("DeviceIgnored", "spi-edge"),
        ("SgiIgnored", "save"),
    ),
    "I7": (
        ("EnablesUnsampled", "timer-busy"),
        ("v7.2+27", "timer-phys"),
        ("EarlyInterrupt", "timer-phys"),
    ),
    "I8": (
        ("FoldLosesActive", "migrate"),
        ("DropsActive", "migrate"),
    ),
    "I9": (
        ("YieldsInFold", "migrate"),
        ("FoldsUnlocked", "timer-wfi"),
    ),
    "L1": (
        ("ForgetsEnable", "timer-wfi"),
        ("v7.2+26", "timer-phys"),
        ("v4.14+26", "timer-phys"),
    ),
    "L2": (
        ("v4.14+4", "timer-busy"),
        ("NeverEnters", "timer-wfi"),
        ("NeverSleeps", "two-senders.toml"),
        ("v7.2+26-load", "timer-phys"),
    ),
    "L3": (
        ("RetriesForEver", "timer-wfi"),
    ),
    "L4": (
        ("SignalsOnlySleepers", "reset"),
        ("BacksOutOfUserSpace", "save"),
        ("HaltWaitsForNobody", "smp-mix"),
        ("NeverResumes", "smp-mix"),
        ("IgnoresSignals", "save"),
    ),
    "L5": (
        ("CallbackDoesNothing", "timer-wfi"),
    ),
    "L6": (
        ("SavesRunningVm", "save"),
        ("SoftTimerOutlives", "save"),
        ("ForgetsCval", "save"),
        ("ForgetsActive", "save"),
        ("SavesForEver", "save"),
        ("ForgetsCounter", "save"),
    ),
    "R0": (
        ("HandlerInjectsNothing", "timer-wfi"),
        ("BlindHandler", "timer-wfi"),
        ("OneTimersHandler", "timer-phys"),
    ),
    "R1": (
        ("WritesBeforeMasking", "overflow-dir"),
        ("SavesAfterUnmasking", "timer-busy"),
        ("WritesRunningGuest", "spi-level"),
    ),
    "R10": (
        ("V7_2OnArchAfterAll", "timer-wfi"),
    ),
    "R11": (
        ("NeverPolls", "timer-wfi"),
    ),
    "R12": (
        ("NeverActive", "timer-wfi"),
        ("ActiveNotRestored", "timer-phys"),
    ),
    "R13": (
        ("HostDeactivates", "spi-edge"),
    ),
    "R14": (
        ("NoPriorityDrop", "timer-busy"),
    ),
    "R15": (
        ("NeverActive", "timer-wfi"),
        ("NotWrittenAtLoad", "timer-wfi"),
        ("ActiveNotRestored", "timer-phys"),
    ),
    "R16": (
        ("V7_2OnLevelIsALatch", "timer-busy"),
        ("V7_2OnEmptyHostAck", "timer-busy"),
    ),
    "R17": (
        ("IrqsIgnored", "timer-busy"),
    ),
    "R18": (
        ("v4.14+4", "timer-busy"),
        ("NotForwarded", "timer-busy"),
    ),
    "R19": (
        ("V7_2OnDeactivationLatches", "timer-wfi"),
    ),
    "R2": (
        ("SavesWithoutZeroing", "timer-wfi"),
        ("CountsInactive", "migrate"),
    ),
    "R20": (
        ("V7_2OnTakenWhileActive", "spi-edge"),
    ),
    "R21": (
        ("V7_2OnEdgeLostWhileActive", "spi-edge"),
    ),
    "R22": (
        ("UnlinkedEdge", "spi-edge"),
    ),
    "R23": (
        ("NotWrittenAtLoad", "migrate"),
        ("ActiveNotRestored", "timer-phys"),
    ),
    "R24": (
        ("V7_2OnActiveLpi", "lpi"),
    ),
    "R25": (
        ("V7_2OnLpiTwice", "lpi"),
    ),
    "R26": (
        ("LinkedLpi", "lpi"),
    ),
    "R27": (
        ("QueuedUnkicked", "lpi"),
    ),
    "R28": (
        ("v7.2+14", "timer-wfi"),
        ("TimerLeftLoaded", "migrate"),
        ("PtimerNotRestored", "timer-phys"),
    ),
    "R28b": (
        ("HandlerReadsMemory", "timer-busy"),
        ("SavesTimerWrong", "timer-busy"),
        ("LooksInMemory", "timer-phys"),
    ),
    "R29": (
        ("v4.14+3", "migrate"),
        ("ActiveNotRestored", "timer-phys"),
    ),
    "R2b": (
        ("TwoRegisters", "timer-wfi"),
    ),
    "R3": (
        ("V7_2OnAckEmpties", "timer-wfi"),
    ),
    "R30": (
        ("SoftTimerLate", "timer-wfi"),
        ("v7.2+26", "timer-phys"),
        ("v4.14+26", "timer-phys"),
        ("PtimerLeftOn", "timer-phys"),
        ("SleepsOnOne", "timer-phys"),
    ),
    "R31": (
        ("v4.14+bound-2", "timer-busy"),
    ),
    "R4": (
        ("WrongPhysicalId", "timer-wfi"),
    ),
    "R5": (
        ("PendingAndActive", "migrate"),
    ),
    "R6": (
        ("V7_2OnNeverSent", "timer-wfi"),
        ("v7.2+bound-3", "timer-busy"),
    ),
    "R7a": (
        ("V7_2OnAckStaysInactive", "timer-busy"),
    ),
    "R7b": (
        ("V7_2OnCompletedComesBack", "timer-wfi"),
    ),
    "R8": (
        ("FoldLosesPending", "overflow-dir"),
        ("FoldLosesPending", "spi-edge"),
        ("V7_2OnMaskDropsPending", "timer-wfi"),
    ),
    "R9": (
        ("V7_2OnAckKeepsPending", "timer-wfi"),
    ),
    "deadlock": (
        ("LockKept", "timer-wfi"),
    ),
    "lock-order": (
        ("InjectsUnmasked", "timer-wfi"),
        ("NoIrqSave", "spi-level"),
        ("LocksSwapped", "timer-wfi"),
    ),
}  # fmt: skip
