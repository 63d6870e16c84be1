package dev.comity.simulation;

import dev.comity.storage.Disk;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A disk in memory that forgets what was not synced when it loses power: of a file whole, a part,
/// zeros or nothing; of the names in a folder any of the changes since its last sync, each alone.
/// As little as POSIX promises, so that code that holds here holds on any file system.
final class SimulatedDisk implements Disk {
  /// Asked before and after each step that changes something or makes it durable.
  interface Fuse {
    /// Fails with `PowerCut` when the machine ends here.
    void at(String step, Path path);
  }

  private sealed interface Node {}

  private static final class Content implements Node {
    private byte[] now = new byte[0];
    private byte @Nullable [] stable;
  }

  private static final class Folder implements Node {
    private SortedMap<String, Node> now = new TreeMap<>();
    private SortedMap<String, Node> stable = new TreeMap<>();
    private final List<Consumer<SortedMap<String, Node>>> unsynced = new ArrayList<>();

    void change(Consumer<SortedMap<String, Node>> change) {
      change.accept(now);
      unsynced.add(change);
    }

    void sync() {
      stable = new TreeMap<>(now);
      unsynced.clear();
    }
  }

  private final boolean keepsWhatItSyncs;
  private Folder root = new Folder();
  private final Set<Path> held = new HashSet<>();
  private Fuse fuse = (_, _) -> {};

  /// @param keepsWhatItSyncs false for a disk that reports a sync and does none
  SimulatedDisk(boolean keepsWhatItSyncs) {
    this.keepsWhatItSyncs = keepsWhatItSyncs;
  }

  void setFuse(Fuse fuse) {
    this.fuse = fuse;
  }

  /// The process that used the disk ended.
  void releaseLocks() {
    held.clear();
  }

  /// The machine lost power.
  void losePower(SeededRandom random) {
    settle(root, random);
  }

  private static void settle(Folder folder, SeededRandom random) {
    SortedMap<String, Node> survived = new TreeMap<>(folder.stable);
    for (Consumer<SortedMap<String, Node>> change : folder.unsynced) {
      if (random.nextBoolean()) {
        change.accept(survived);
      }
    }
    folder.now = survived;
    folder.sync();
    for (Node node : survived.values()) {
      switch (node) {
        case Folder inner -> settle(inner, random);
        case Content file -> {
          file.now = torn(file, random);
          file.stable = file.now;
        }
      }
    }
  }

  private static byte[] torn(Content file, SeededRandom random) {
    byte[] synced = file.stable == null ? new byte[0] : file.stable;
    if (Arrays.equals(synced, file.now)) {
      return file.now;
    }
    int kept = synced.length + random.nextInt(file.now.length - synced.length + 1);
    return switch (random.nextInt(4)) {
      case 0 -> synced;
      case 1 -> file.now;
      case 2 -> Arrays.copyOf(file.now, kept);
      default -> Arrays.copyOf(Arrays.copyOf(file.now, kept), file.now.length); // zeros at the end
    };
  }

  /// A copy of what a power cut now would surely leave.
  SimulatedDisk stable() {
    SimulatedDisk copy = new SimulatedDisk(true);
    copy.root = stable(root);
    return copy;
  }

  private static Folder stable(Folder folder) {
    Folder copy = new Folder();
    folder.stable.forEach((name, node) -> {
      switch (node) {
        case Folder inner -> copy.now.put(name, stable(inner));
        case Content file -> {
          Content twin = new Content();
          twin.now = file.stable == null ? new byte[0] : file.stable;
          twin.stable = twin.now;
          copy.now.put(name, twin);
        }
      }
    });
    copy.sync();
    return copy;
  }

  /// A copy of everything, as a backup or a clone of the machine.
  SimulatedDisk copy() {
    SimulatedDisk copy = new SimulatedDisk(keepsWhatItSyncs);
    copy.root = copy(root);
    return copy;
  }

  /// Restores a copy taken before.
  void restore(SimulatedDisk backup) {
    root = copy(backup.root);
  }

  private static Folder copy(Folder folder) {
    Folder copy = new Folder();
    folder.now.forEach((name, node) ->
        copy.now.put(
            name,
            switch (node) {
              case Folder inner -> copy(inner);
              case Content file -> {
                Content twin = new Content();
                twin.now = file.now;
                twin.stable = file.now;
                yield twin;
              }
            }));
    copy.sync();
    return copy;
  }

  @Override
  public boolean exists(Path path) {
    return find(path) != null;
  }

  @Override
  public MemorySegment read(Path file) throws IOException {
    if (find(file) instanceof Content content) {
      return MemorySegment.ofArray(content.now.clone()).asReadOnly();
    }
    throw new NoSuchFileException(file.toString());
  }

  @Override
  public List<Path> list(Path folder) throws IOException {
    return folder(folder).now.keySet().stream().map(folder::resolve).toList();
  }

  @Override
  public void makeDirectory(Path folder) throws IOException {
    fuse.at("mkdir", folder);
    Folder parent = parent(folder);
    if (parent.now.containsKey(name(folder))) {
      throw new FileAlreadyExistsException(folder.toString());
    }
    Folder made = new Folder();
    parent.change(names -> names.put(name(folder), made));
    fuse.at("after mkdir", folder);
  }

  @Override
  public void create(Path file, List<MemorySegment> parts) throws IOException {
    fuse.at("create", file);
    Folder parent = parent(file);
    if (parent.now.containsKey(name(file))) {
      throw new FileAlreadyExistsException(file.toString());
    }
    Content content = new Content();
    long size = parts.stream().mapToLong(MemorySegment::byteSize).sum();
    content.now = new byte[Math.toIntExact(size)];
    long at = 0;
    for (MemorySegment part : parts) {
      MemorySegment.ofArray(content.now).asSlice(at, part.byteSize()).copyFrom(part);
      at += part.byteSize();
    }
    parent.change(names -> names.put(name(file), content));
    fuse.at("after create", file);
  }

  @Override
  public void append(Path file, byte[] bytes) throws IOException {
    fuse.at("append", file);
    if (!(find(file) instanceof Content content)) {
      throw new NoSuchFileException(file.toString());
    }
    int before = content.now.length;
    content.now = Arrays.copyOf(content.now, before + bytes.length);
    System.arraycopy(bytes, 0, content.now, before, bytes.length);
    fuse.at("after append", file);
  }

  @Override
  public void sync(Path path) throws IOException {
    fuse.at("sync", path);
    switch (find(path)) {
      case null -> throw new NoSuchFileException(path.toString());
      case Node node when !keepsWhatItSyncs -> {
        // Reports a sync and does none, as the test that asked for such a disk wants it.
      }
      case Folder folder -> folder.sync();
      case Content content -> content.stable = content.now;
    }
    fuse.at("after sync", path);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    fuse.at("rename", to);
    Folder folder = parent(from);
    Node node = folder.now.get(name(from));
    if (node == null || folder != parent(to)) {
      throw new NoSuchFileException(from.toString());
    }
    folder.change(names -> {
      names.remove(name(from));
      names.put(name(to), node);
    });
    fuse.at("after rename", to);
  }

  @Override
  public void delete(Path file) throws IOException {
    if (find(file) != null) {
      fuse.at("delete", file);
      parent(file).change(names -> names.remove(name(file)));
      fuse.at("after delete", file);
    }
  }

  @Override
  public Closeable lock(Path file) throws IOException {
    if (!held.add(file)) {
      throw new IOException(file + " is held by another process");
    }
    return () -> held.remove(file);
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private Folder parent(Path path) throws IOException {
    Path parent = path.getParent();
    if (parent == null) {
      throw new FileNotFoundException(path + " has no parent");
    }
    return folder(parent);
  }

  private Folder folder(Path path) throws IOException {
    if (find(path) instanceof Folder folder) {
      return folder;
    }
    throw new NoSuchFileException(path.toString());
  }

  private @Nullable Node find(Path path) {
    Node node = root;
    for (Path name : path) {
      if (!(node instanceof Folder folder)) {
        return null;
      }
      Node next = folder.now.get(name.toString());
      if (next == null) {
        return null;
      }
      node = next;
    }
    return node;
  }
}
