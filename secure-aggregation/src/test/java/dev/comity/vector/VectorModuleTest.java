package dev.comity.vector;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.IntVector;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class VectorModuleTest {

  @Test
  void theVectorModuleIsInTheBootLayer() {
    assertThat(ModuleLayer.boot().findModule("jdk.incubator.vector")).isPresent();
  }

  @Property(tries = 100)
  void lanesAddModuloTwoToTheThirtyTwo(@ForAll int left, @ForAll int right) {
    var sum = IntVector.broadcast(IntVector.SPECIES_PREFERRED, left).add(right);

    assertThat(sum.lane(0)).isEqualTo(left + right);
  }
}
