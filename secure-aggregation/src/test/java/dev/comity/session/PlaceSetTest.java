package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlaceSetTest {
  private static PlaceSet of(int n, int... places) {
    return PlaceSet.of(n, IntStream.of(places));
  }

  @Test
  void eachPlaceIsOneBitTheLowestInTheLowestBitOfTheFirstByte() {
    PlaceSet places = of(10, 0, 3, 9);

    assertThat(places.encode()).isEqualTo(Bytes.of(new byte[] {9, 2}));
    assertThat(PlaceSet.decode(10, places.encode())).isEqualTo(places).hasSameHashCodeAs(places);
    assertThat(PlaceSet.bytes(8)).isEqualTo(1);
    assertThat(PlaceSet.bytes(9)).isEqualTo(2);
    assertThat(places.size()).isEqualTo(3);
    assertThat(places.holds(3)).isTrue();
    assertThat(places.holds(4)).isFalse();
    assertThat(places.places().toArray()).containsExactly(0, 3, 9);
  }

  @Test
  void aPlaceOutsideOfTheRosterAndABitmapOfAnotherSizeAreRefused() {
    assertThatThrownBy(() -> of(10, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("place 10 in a roster of 10 sites");
    assertThatThrownBy(() -> PlaceSet.decode(10, Bytes.of(new byte[] {0, 4})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("place 10");
    for (int size : new int[] {1, 3}) {
      assertThatThrownBy(() -> PlaceSet.decode(10, Bytes.of(new byte[size])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("must be 2");
    }
  }

  @Test
  void aSetLiesWithinAnotherOnlyWithAllOfItsPlaces() {
    assertThat(of(10, 1, 2).within(of(10, 0, 1, 2))).isTrue();
    assertThat(of(10, 1, 3).within(of(10, 0, 1, 2))).isFalse();
    assertThat(of(10).within(of(10, 1))).isTrue();
    assertThat(of(10, 1)).isNotEqualTo(of(10, 2)).isNotEqualTo(of(11, 1));
  }
}
