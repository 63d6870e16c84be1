package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.VectorLayout;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What leaves a site is decided by types: the public surface of the chain gives no way round it.
class UpdateChainTest {

  @ParameterizedTest
  @ValueSource(
      classes = {
        LocalUpdate.class,
        ClippedUpdate.class,
        EncodedUpdate.class,
        NoisedUpdate.class,
        MaskedUpdate.class
      })
  void noStepHasAPublicConstructor(Class<?> step) {
    assertThat(step).isFinal();
    assertThat(step.getDeclaredConstructors()).noneMatch(constructor -> isVisible(constructor));
    assertThat(step.getDeclaredFields())
        .allMatch(field ->
            Modifier.isPrivate(field.getModifiers()) || Modifier.isStatic(field.getModifiers()));
  }

  @Test
  void aStepOffersTheNextStepAndNothingOfItsContent() {
    assertThat(resultsOf(LocalUpdate.class)).containsExactlyInAnyOrder(ClippedUpdate.class);
    assertThat(resultsOf(ClippedUpdate.class)).containsExactlyInAnyOrder(EncodedUpdate.class);
    assertThat(resultsOf(EncodedUpdate.class)).containsExactlyInAnyOrder(NoisedUpdate.class);
    assertThat(resultsOf(NoisedUpdate.class))
        .containsExactlyInAnyOrder(MaskedUpdate.class, VectorLayout.class, void.class);
  }

  private static Set<Class<?>> resultsOf(Class<?> step) {
    return Arrays.stream(step.getDeclaredMethods())
        .filter(method -> isVisible(method) && !Modifier.isStatic(method.getModifiers()))
        .map(Method::getReturnType)
        .collect(Collectors.toSet());
  }

  private static boolean isVisible(Executable member) {
    return Modifier.isPublic(member.getModifiers()) || Modifier.isProtected(member.getModifiers());
  }
}
