package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PersistentMapTest {

  @Test
  void itIsATreeMapWhoseEarlierVersionsStay() {
    Random random = new Random(11);
    PersistentMap<Integer, Integer> map = PersistentMap.empty();
    TreeMap<Integer, Integer> reference = new TreeMap<>();
    List<PersistentMap<Integer, Integer>> versions = new ArrayList<>();
    List<Map<Integer, Integer>> references = new ArrayList<>();

    for (int step = 0; step < 3000; step++) {
      int key = random.nextInt(300);
      if (random.nextInt(3) == 0) {
        map = map.without(key);
        reference.remove(key);
      } else {
        map = map.with(key, step);
        reference.put(key, step);
      }
      if (step % 50 == 0) {
        versions.add(map);
        references.add(new TreeMap<>(reference));
      }
      assertThat(map.get(key)).isEqualTo(reference.get(key));
      assertThat(map).hasSameSizeAs(reference);
    }

    for (int i = 0; i < versions.size(); i++) {
      assertThat(new ArrayList<>(versions.get(i).entrySet()))
          .as("version " + i)
          .isEqualTo(new ArrayList<>(references.get(i).entrySet()));
    }
  }

  @Test
  void manyKeysInOrderDoNotMakeItDeep() {
    PersistentMap<Integer, Integer> map = PersistentMap.empty();
    for (int i = 0; i < 100_000; i++) {
      map = map.with(i, i); // a degenerate tree would overflow the stack
    }

    assertThat(map).hasSize(100_000).containsEntry(77_777, 77_777);
    assertThat(new ArrayList<>(map.keySet())).isSorted();
  }
}
