package dev.comity.simulation;

/// A computer with one process and one disk, whose power and process may end at any step of the
/// disk.
abstract class Machine {
  private static final int POWER_CUTS = 2; // of so many ends of a process, one

  private final World world;
  private final String name;
  private final SimulatedDisk disk;
  private int life;
  private boolean up;

  /// @param crashes of so many steps of the disk, one is the last
  Machine(World world, String name, SimulatedDisk disk, int crashes) {
    this.world = world;
    this.name = name;
    this.disk = disk;
    disk.setFuse((step, path) -> {
      if (world.faulty() && up && world.random().oneIn(crashes)) {
        throw new PowerCut(kindOfEnd(), step + " " + path);
      }
    });
  }

  /// What the process does first.
  abstract void boot();

  final World world() {
    return world;
  }

  final SimulatedDisk disk() {
    return disk;
  }

  final boolean up() {
    return up;
  }

  final String name() {
    return name;
  }

  final void note(String line) {
    world.note(name + " " + line);
  }

  private PowerCut.Kind kindOfEnd() {
    return world.random().oneIn(POWER_CUTS) ? PowerCut.Kind.POWER : PowerCut.Kind.KILLED;
  }

  /// Starts the process unless it runs.
  final void start() {
    if (!up) {
      up = true;
      run(() -> {
        note("starts");
        boot();
      });
    }
  }

  /// Ends the process, and starts it again after a while.
  final void stop(PowerCut.Kind kind, long milliseconds) {
    if (up) {
      end(kind, "from outside", milliseconds);
    }
  }

  /// Does `work` in the process, if it runs.
  final void run(Runnable work) {
    if (up) {
      try {
        work.run();
      } catch (PowerCut cut) {
        end(cut.kind(), String.valueOf(cut.getMessage()), 200 + world.random().nextInt(20_000));
      }
    }
  }

  /// Does `work` later in this process, unless it ended by then.
  final void after(long milliseconds, Runnable work) {
    int planned = life;
    world.after(
        milliseconds,
        () -> {
          if (life == planned) {
            run(work);
          }
        });
  }

  private void end(PowerCut.Kind kind, String where, long milliseconds) {
    up = false;
    life++;
    note(
        switch (kind) {
              case KILLED -> "is killed: ";
              case POWER -> "loses power: ";
            }
            + where);
    disk.releaseLocks();
    if (kind == PowerCut.Kind.POWER) {
      disk.losePower(world.random());
    }
    world.after(milliseconds, this::start);
  }
}
