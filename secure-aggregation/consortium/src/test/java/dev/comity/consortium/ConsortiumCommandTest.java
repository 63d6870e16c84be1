package dev.comity.consortium;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.membership.KeySuccession;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsortiumCommandTest {
  private static final Instant NOW = Instant.parse("2026-03-01T00:00:00Z");

  @TempDir static Path certificates;

  @TempDir Path temporary;

  private Clock clock = Clock.fixed(NOW, ZoneOffset.UTC);
  private String answers = "yes\n";
  private Path folder;
  private Path apiToken;
  private LocalAggregator aggregator;

  private record Outcome(int exitCode, String out, String err) {}

  @BeforeAll
  static void makeCertificates() throws Exception {
    LocalAggregator.certificates(certificates.resolve("localhost"), "localhost");
    LocalAggregator.certificates(certificates.resolve("elsewhere"), "elsewhere.example");
  }

  @BeforeEach
  void startFederation() throws Exception {
    folder = temporary.resolve("consortium");
    assertThat(run("init", "--dir", folder.toString()).exitCode()).isZero();
    apiToken = Files.writeString(temporary.resolve("token"), LocalAggregator.API_TOKEN + "\n");
    aggregator = new LocalAggregator(certificates.resolve("localhost"), consortium());
  }

  @AfterEach
  void stopAggregator() {
    aggregator.close();
  }

  @Test
  void initMakesAKeyThatOnlyItsOwnerReadsAndPrintsItsFingerprint() throws Exception {
    Path other = temporary.resolve("other");

    Outcome outcome = run("init", "--dir", other.toString(), "--json");

    MessagePublicKey key = MessageKey.read(other.resolve("consortium.key")).publicKey();
    assertThat(outcome.out()).contains(key.displayFingerprint()).contains(key.hex());
    assertThat(Files.readString(other.resolve("consortium.pub")).strip()).isEqualTo(key.hex());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(other)))
        .isEqualTo("rwx------");
  }

  @Test
  void initNeverReplacesAKey() throws Exception {
    Outcome outcome = run("init", "--dir", folder.toString());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("already exists").hasLineCount(1);
    assertThat(Files.readString(folder.resolve("consortium.pub")).strip())
        .isEqualTo(MessageKey.read(folder.resolve("consortium.key")).publicKey().hex());
  }

  @Test
  void aKeyOpenToOthersIsNotUsed() throws Exception {
    Files.setPosixFilePermissions(
        folder.resolve("consortium.key"), PosixFilePermissions.fromString("rw-r--r--"));

    Outcome outcome = invite("north", "--ca-pin", caPin().hex());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("chmod 600");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void inviteWithoutAPinShowsTheOneItSawAndAsks() throws Exception {
    Outcome outcome = invite("north");

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains(caPin().hex()).contains("--ca-pin").hasLineCount(1);
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void inviteSignsATokenForTheFederationBehindThePin() throws Exception {
    Outcome outcome = invite("north", "--ca-pin", caPin().hex(), "--expires", "PT48H");

    assertThat(outcome.exitCode()).isZero();
    var invitation = SignedInvitation.parse(outcome.out()).requireIssuedBy(consortium());
    assertThat(invitation.site()).isEqualTo(new SiteId("north"));
    assertThat(invitation.federation().value()).isEqualTo("demo");
    assertThat(invitation.url()).isEqualTo(aggregator.url());
    assertThat(invitation.caPin()).isEqualTo(caPin());
    assertThat(invitation.expiresAt()).isEqualTo(NOW.plus(Duration.ofHours(48)));
  }

  @Test
  void inviteRemembersThePin() throws Exception {
    assertThat(invite("north", "--ca-pin", caPin().hex()).exitCode()).isZero();

    assertThat(invite("south").exitCode()).isZero();
  }

  @Test
  void inviteRefusesAnotherCa() {
    Outcome outcome = invite("north", "--ca-pin", "00".repeat(32));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("another aggregator, or somebody in between");
  }

  @Test
  void inviteReadsTheFederationFromAFileWithoutAnyConnection() throws Exception {
    Path info = Files.writeString(temporary.resolve("federation.json"), aggregator.info());
    aggregator.close();

    Outcome outcome = invite("north", "--federation-info", info.toString());

    assertThat(outcome.exitCode()).isZero();
    assertThat(SignedInvitation.parse(outcome.out()).invitation().caPin()).isEqualTo(caPin());
  }

  @Test
  void refusesACertificateForAnotherHost() throws Exception {
    try (LocalAggregator elsewhere =
        new LocalAggregator(certificates.resolve("elsewhere"), consortium())) {
      Outcome outcome =
          run(
              "invite",
              "--dir",
              folder.toString(),
              "--site",
              "north",
              "--url",
              elsewhere.url().toString(),
              "--ca-pin",
              pinOf(elsewhere).hex());

      assertThat(outcome.exitCode()).isEqualTo(1);
      assertThat(outcome.err()).contains("does not prove to be the aggregator");
    }
  }

  @Test
  void refusesAServerThatShowsTheRightCaButHoldsAnotherCertificate() throws Exception {
    // Tells the first aggregator's CA, which is public, and cannot show a certificate of it.
    try (LocalAggregator liar =
        new LocalAggregator(certificates.resolve("elsewhere"), consortium()) {
          @Override
          String caPem() throws GeneralSecurityException {
            return aggregator.caPem();
          }
        }) {
      Outcome outcome =
          run(
              "invite",
              "--dir",
              folder.toString(),
              "--site",
              "north",
              "--url",
              liar.url().toString(),
              "--ca-pin",
              caPin().hex());

      assertThat(outcome.exitCode()).isEqualTo(1);
      assertThat(outcome.err()).contains("does not prove to be the aggregator");
    }
  }

  @Test
  void refusesAnAddressWithoutTls() {
    Outcome outcome =
        run("invite", "--dir", folder.toString(), "--site", "north", "--url", "http://localhost:1");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("must look like https://host:port");
  }

  @Test
  void admitSignsTheFirstMembershipAndTheNextKeepsItsMembers() throws Exception {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    MessagePublicKey west = enrol("west");

    Outcome first =
        admit(
            "--ca-pin",
            caPin().hex(),
            "--site",
            "north=" + north.displayFingerprint(),
            "--site",
            "south=" + south.fingerprint().hex(),
            "--n-c-floor",
            "2");
    MembershipEpoch one = current();
    Outcome second = admit("--site", "west=" + west.displayFingerprint());
    MembershipEpoch two = current();

    assertThat(first.exitCode()).as(first.err()).isZero();
    assertThat(one.version()).isEqualTo(1);
    assertThat(one.previous()).isEmpty();
    assertThat(one.aggregator()).isEqualTo(aggregator.key.publicKey());
    assertThat(one.members())
        .containsExactly(
            new Member(new SiteId("north"), north), new Member(new SiteId("south"), south));
    assertThat(one.nCFloor()).isEqualTo(2);
    assertThat(one.allows(Architecture.parse("mlp(60,32,10)"))).isTrue();
    assertThat(one.issuedAt()).isEqualTo(NOW);
    assertThat(one.expiresAt()).isEqualTo(NOW.plus(Duration.ofDays(365)));
    assertThat(second.exitCode()).as(second.err()).isZero();
    assertThat(two.version()).isEqualTo(2);
    assertThat(two.members()).hasSize(3).contains(new Member(new SiteId("west"), west));
    assertThat(two.nCFloor()).isEqualTo(2);
    assertThat(folder.resolve("membership-2.json")).exists();
  }

  @Test
  void admitRefusesAKeyWhoseFingerprintWasNotTold() {
    enrol("north");
    MessagePublicKey told = MessageKey.generate().publicKey();

    Outcome outcome =
        admit("--ca-pin", pinOf(aggregator).hex(), "--site", "north=" + told.displayFingerprint());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("site north: the aggregator offers a key with fingerprint")
        .contains("nothing was signed");
    assertThat(aggregator.membership()).isEmpty();
  }

  @Test
  void admitRefusesASiteThatHasNotEnrolled() {
    Outcome outcome =
        admit(
            "--ca-pin",
            pinOf(aggregator).hex(),
            "--site",
            "north=" + MessageKey.generate().publicKey().displayFingerprint());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("site north has not enrolled");
  }

  @Test
  void aMemberThatLeavesOrChangesItsKeyHasTheOldKeyRevoked() {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    admit(
        "--ca-pin",
        pinOf(aggregator).hex(),
        "--site",
        "north=" + north.displayFingerprint(),
        "--site",
        "south=" + south.displayFingerprint());
    MessagePublicKey renewed = enrol("south");

    Outcome outcome = admit("--remove", "north", "--site", "south=" + renewed.displayFingerprint());

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(current().members()).containsExactly(new Member(new SiteId("south"), renewed));
    assertThat(current().revocations())
        .extracting(Revocation::key)
        .containsExactlyInAnyOrder(north.fingerprint(), south.fingerprint());
  }

  @Test
  void admitRefusesAnAggregatorThatWasSetBack() {
    MessagePublicKey north = enrol("north");
    admit("--ca-pin", pinOf(aggregator).hex(), "--site", "north=" + north.displayFingerprint());
    admit("--expires", "P30D");
    aggregator.setBack();

    Outcome outcome = admit("--expires", "P60D");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("holds membership version 1, but took version 2 from this folder before");
  }

  @Test
  void aMembershipWhoseAnswerIsLostCountsAsTakenOnceTheAggregatorShowsIt() {
    MessagePublicKey north = enrol("north");
    aggregator.has(LocalAggregator.Trouble.ANSWER_IS_LOST);

    Outcome lost =
        admit("--ca-pin", pinOf(aggregator).hex(), "--site", "north=" + north.displayFingerprint());

    assertThat(lost.exitCode()).isEqualTo(1);
    assertThat(lost.err()).contains("membership-1.pending.json");
    assertThat(folder.resolve("membership-1.json")).doesNotExist();
    aggregator.has(LocalAggregator.Trouble.NONE);

    Outcome next = admit("--expires", "P30D");

    assertThat(next.exitCode()).as(next.err()).isZero();
    assertThat(folder.resolve("membership-1.json")).exists();
    assertThat(folder.resolve("membership-1.pending.json")).doesNotExist();
    assertThat(current().version()).isEqualTo(2);
  }

  @Test
  void aMembershipThatNeverArrivedIsHandedOverAgainAndNotSignedAnew() throws Exception {
    MessagePublicKey north = enrol("north");
    String[] arguments = {
      "--ca-pin", caPin().hex(), "--site", "north=" + north.displayFingerprint()
    };
    aggregator.has(LocalAggregator.Trouble.UNAVAILABLE);
    assertThat(admit(arguments).exitCode()).isEqualTo(1);
    String pending = Files.readString(folder.resolve("membership-1.pending.json"));
    aggregator.has(LocalAggregator.Trouble.NONE);
    clock = Clock.offset(clock, Duration.ofHours(1));

    Outcome again = admit(arguments);

    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(Files.readString(folder.resolve("membership-1.json"))).isEqualTo(pending);
    assertThat(current().version()).isEqualTo(1);
    assertThat(current().issuedAt()).isEqualTo(NOW);
  }

  @Test
  void aMembershipThatNeverArrivedGoesBeforeAnotherOne() throws Exception {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    aggregator.has(LocalAggregator.Trouble.UNAVAILABLE);
    admit("--ca-pin", caPin().hex(), "--site", "north=" + north.displayFingerprint());
    String pending = Files.readString(folder.resolve("membership-1.pending.json"));
    aggregator.has(LocalAggregator.Trouble.NONE);

    Outcome other =
        admit("--ca-pin", caPin().hex(), "--site", "south=" + south.displayFingerprint());

    assertThat(other.exitCode()).as(other.err()).isZero();
    assertThat(Files.readString(folder.resolve("membership-1.json"))).isEqualTo(pending);
    assertThat(current().version()).isEqualTo(2);
    assertThat(current().members()).hasSize(2);
  }

  @Test
  void admitRefusesAWrongApiTokenWithoutShowingIt() throws Exception {
    Files.writeString(apiToken, "a-wrong-token");

    Outcome outcome = admit("--ca-pin", caPin().hex());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("status 401: no such token; the API token must be valid and of role ADMIN")
        .doesNotContain("a-wrong-token");
  }

  @Test
  void aChangedAggregatorKeyIsRefused() throws Exception {
    assertThat(invite("north", "--ca-pin", caPin().hex()).exitCode()).isZero();
    aggregator.close();
    aggregator = new LocalAggregator(certificates.resolve("localhost"), consortium());

    Outcome outcome = admit();

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("this folder belongs to federation demo");
  }

  @Test
  void saysWhenNobodyListens() throws Exception {
    String pin = caPin().hex();
    aggregator.close();

    Outcome outcome = invite("north", "--ca-pin", pin);

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("cannot be reached");
  }

  @Test
  void verifyChecksMembershipsAndInvitationsOffline() throws Exception {
    MessagePublicKey north = enrol("north");
    Path token =
        Files.writeString(
            temporary.resolve("invitation"), invite("north", "--ca-pin", caPin().hex()).out());
    admit("--site", "north=" + north.displayFingerprint());
    Path membership = folder.resolve("membership-1.json");
    aggregator.close();

    assertThat(run("verify", token.toString(), "--dir", folder.toString()).out())
        .contains("invitation   of north to demo");
    assertThat(run("verify", membership.toString(), "--key", consortium().hex()).out())
        .contains("member       north  " + north.displayFingerprint());
    assertThat(run("verify", membership.toString(), "--dir", folder.toString(), "--json").out())
        .contains("\"expired\" : false");

    Outcome stranger =
        run("verify", membership.toString(), "--key", MessageKey.generate().publicKey().hex());
    assertThat(stranger.exitCode()).isEqualTo(1);
    assertThat(stranger.err()).contains("not signed by the consortium key");

    clock = Clock.offset(clock, Duration.ofDays(8));
    Outcome late = run("verify", token.toString(), "--dir", folder.toString());
    assertThat(late.exitCode()).isEqualTo(1);
    assertThat(late.err()).contains("the invitation expired at 2026-03-08T00:00:00Z");

    Outcome garbage = run("verify", apiToken.toString(), "--dir", folder.toString());
    assertThat(garbage.exitCode()).isEqualTo(1);
    assertThat(garbage.err()).contains("not an invitation");
  }

  @Test
  void explainsItselfAndRefusesUnknownArguments() {
    assertThat(run("--help").out()).contains("init", "invite", "admit", "verify", "Exit codes");
    assertThat(run("admit", "--help").out()).contains("ID=FINGERPRINT");
    assertThat(run("init", "--dri", "x").exitCode()).isEqualTo(2);
  }

  @Test
  void everySignatureIsShownFirstAndNothingIsSignedWithoutAYes() throws Exception {
    MessagePublicKey north = enrol("north");
    answers = "y\n";

    Outcome invited = invite("north", "--ca-pin", caPin().hex());
    Outcome refused =
        admit("--ca-pin", caPin().hex(), "--site", "north=" + north.displayFingerprint());

    assertThat(invited.exitCode()).isEqualTo(1);
    assertThat(invited.out()).isEmpty();
    assertThat(invited.err()).contains("an invitation of site north to federation demo");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err())
        .contains(
            "To be signed: membership version 1 of demo, by the consortium key " + consortium())
        .contains("+ member     north  " + north.displayFingerprint())
        .contains("not confirmed, so nothing was signed");
    assertThat(folder.resolve("membership-1.pending.json")).doesNotExist();
    assertThat(aggregator.membership()).isEmpty();

    answers = "";
    assertThat(admit("--site", "north=" + north.displayFingerprint(), "--yes").exitCode()).isZero();
  }

  @Test
  void revokeTakesASiteOutWithTimeAndReasonAndItsKeyNeverReturns() {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    founded("north", north, "south", south);

    Outcome revoked = online("revoke", "south", "--reason", "its machine was stolen");

    assertThat(revoked.exitCode()).as(revoked.err()).isZero();
    assertThat(current().version()).isEqualTo(2);
    assertThat(current().members()).containsExactly(new Member(new SiteId("north"), north));
    assertThat(current().revocations())
        .containsExactly(
            new Revocation(
                Optional.of(new SiteId("south")),
                south.fingerprint(),
                NOW,
                "its machine was stolen"));
    assertThat(current().expiresAt()).isEqualTo(NOW.plus(Duration.ofDays(365)));

    Outcome again = admit("--site", "south=" + south.displayFingerprint());
    assertThat(again.exitCode()).isEqualTo(1);
    assertThat(again.err())
        .contains("site south: its key")
        .contains("(its machine was stolen) and never returns");
    Outcome twice = online("revoke", "south");
    assertThat(twice.exitCode()).isEqualTo(1);
    assertThat(twice.err()).contains("site south is no member: it was revoked at 2026-03-01");
    Outcome unknown = online("revoke", "west");
    assertThat(unknown.err()).contains("site west is no member; see: comity-consortium show");

    MessagePublicKey renewed = enrol("south");
    assertThat(admit("--site", "south=" + renewed.displayFingerprint()).exitCode()).isZero();
    assertThat(current().keyOf(new SiteId("south"))).contains(renewed);
    assertThat(current().revocations()).hasSize(1);
  }

  @Test
  void aRevocationWhoseAnswerIsLostIsNotSignedTwice() {
    founded("north", enrol("north"), "south", enrol("south"));
    aggregator.has(LocalAggregator.Trouble.UNAVAILABLE);
    assertThat(online("revoke", "south").exitCode()).isEqualTo(1);
    aggregator.has(LocalAggregator.Trouble.NONE);
    clock = Clock.offset(clock, Duration.ofHours(1));

    Outcome again = online("revoke", "south");

    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(current().version()).isEqualTo(2);
    assertThat(current().issuedAt()).isEqualTo(NOW);
  }

  @Test
  void aSitesKeyIsRotatedByTheStatementOfItsPresentKey() throws Exception {
    MessageKey north = MessageKey.generate();
    MessageKey next = MessageKey.generate();
    aggregator.enrolled.put("north", north.publicKey());
    founded("north", north.publicKey(), "south", enrol("south"));
    Path statement = statement("north", north, next);
    Path stranger = statement("north", MessageKey.generate(), next);
    Path ofSouth = statement("south", north, next);

    Outcome forged = online("rotate", "--site", "north", "--statement", stranger.toString());
    Outcome misused = online("rotate", "--site", "north", "--statement", ofSouth.toString());
    Outcome rotated = online("rotate", "--site", "north", "--statement", statement.toString());

    assertThat(forged.exitCode()).isEqualTo(1);
    assertThat(forged.err()).contains("site north is listed with " + north.publicKey());
    assertThat(misused.exitCode()).isEqualTo(1);
    assertThat(misused.err()).contains("the statement is of site south");
    assertThat(rotated.exitCode()).as(rotated.err()).isZero();
    assertThat(current().keyOf(new SiteId("north"))).contains(next.publicKey());
    assertThat(current().revocation(north.publicKey().fingerprint()).orElseThrow().reason())
        .isEqualTo("key rotated");
  }

  @Test
  void aSitesKeyIsRotatedAfterItsFingerprintWasTold() {
    founded("north", enrol("north"), "south", enrol("south"));
    MessagePublicKey next = MessageKey.generate().publicKey();

    Outcome other =
        online(
            "rotate",
            "--site",
            "north",
            "--key",
            MessageKey.generate().publicKey().hex(),
            "--fingerprint",
            next.displayFingerprint());
    Outcome told =
        online(
            "rotate",
            "--site",
            "north",
            "--key",
            next.hex(),
            "--fingerprint",
            next.displayFingerprint());

    assertThat(other.exitCode()).isEqualTo(1);
    assertThat(other.err()).contains("which is not the one you were told; nothing was signed");
    assertThat(told.exitCode()).as(told.err()).isZero();
    assertThat(current().keyOf(new SiteId("north"))).contains(next);
  }

  @Test
  void theConsortiumsKeyIsHandedOverByTheOldOneAndTheNewOneSignsFromThenOn() throws Exception {
    founded("north", enrol("north"), "south", enrol("south"));
    MessagePublicKey first = consortium();
    MessageKey stolen = MessageKey.read(folder.resolve("consortium.key"));

    Outcome rotated = online("rotate", "--consortium");

    assertThat(rotated.exitCode()).as(rotated.err()).isZero();
    MessagePublicKey second = new ConsortiumFolder(folder).publicKey();
    assertThat(second).isNotEqualTo(first);
    MembershipEpoch handOver = aggregator.membership().orElseThrow().verify(first);
    assertThat(handOver.version()).isEqualTo(2);
    assertThat(handOver.consortium(first)).isEqualTo(second);
    assertThat(rotated.out()).contains("consortium   key " + second);

    assertThat(online("amend", "--n-c-floor", "0").exitCode()).isZero();
    assertThat(aggregator.membership().orElseThrow().verify(first).version()).isEqualTo(3);
    assertThat(aggregator.membership().orElseThrow().verify(second).nCFloor()).isZero();
    assertThat(
            run("verify", folder.resolve("membership-3.json").toString(), "--key", first.hex())
                .exitCode())
        .isZero();

    assertThat(online("rotate", "--consortium").exitCode()).isZero();
    MessagePublicKey third = new ConsortiumFolder(folder).publicKey();
    assertThat(online("amend", "--expires", "P30D").exitCode()).isZero();
    assertThat(aggregator.membership().orElseThrow().verify(first).consortium(first))
        .isEqualTo(third);
    assertThat(stolen.publicKey()).isEqualTo(first);
    assertThat(folder.resolve("consortium-until-2.key")).exists();
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(folder.resolve("consortium.key"))))
        .isEqualTo("rw-------");
  }

  @Test
  void aHandOverWhoseAnswerIsLostIsNotSignedTwice() {
    founded("north", enrol("north"), "south", enrol("south"));
    MessagePublicKey first = consortium();
    aggregator.has(LocalAggregator.Trouble.UNAVAILABLE);
    assertThat(online("rotate", "--consortium").exitCode()).isEqualTo(1);
    MessagePublicKey second = new ConsortiumFolder(folder).publicKey();
    aggregator.has(LocalAggregator.Trouble.NONE);

    Outcome again = online("rotate", "--consortium");

    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(new ConsortiumFolder(folder).publicKey()).isEqualTo(second);
    assertThat(aggregator.membership().orElseThrow().verify(first).version()).isEqualTo(2);
  }

  @Test
  void aHandOverThatACrashCutShortIsFinishedByTheNextCommand() throws Exception {
    founded("north", enrol("north"), "south", enrol("south"));
    MessagePublicKey first = consortium();
    assertThat(online("rotate", "--consortium").exitCode()).isZero();
    MessagePublicKey second = new ConsortiumFolder(folder).publicKey();
    // As after a crash between the signature and the first renaming.
    Files.move(folder.resolve("consortium.key"), folder.resolve("consortium.next.key"));
    Files.move(folder.resolve("consortium-until-2.key"), folder.resolve("consortium.key"));
    Files.delete(folder.resolve("consortium.first.pub"));
    Files.writeString(folder.resolve("consortium.pub"), first.hex());

    Outcome amended = online("amend", "--n-c-floor", "0");

    assertThat(amended.exitCode()).as(amended.err()).isZero();
    assertThat(new ConsortiumFolder(folder).publicKey()).isEqualTo(second);
    assertThat(aggregator.membership().orElseThrow().verify(first).version()).isEqualTo(3);
  }

  @Test
  void amendChangesTheTermsAndKeepsTheMembers() {
    MessagePublicKey north = enrol("north");
    founded("north", north, "south", enrol("south"));

    Outcome amended =
        online("amend", "--n-c-floor", "2", "--architecture", "mlp(60,32,10)", "--expires", "P10D");

    assertThat(amended.exitCode()).as(amended.err()).isZero();
    assertThat(current().members()).hasSize(2).contains(new Member(new SiteId("north"), north));
    assertThat(current().nCFloor()).isEqualTo(2);
    assertThat(current().allows(Architecture.parse("mlp(60,32,10)"))).isTrue();
    assertThat(current().allows(Architecture.parse("mlp(60,33,10)"))).isFalse();
    assertThat(current().expiresAt()).isEqualTo(NOW.plus(Duration.ofDays(10)));
    assertThat(online("amend").err()).contains("nothing to amend");

    clock = Clock.offset(clock, Duration.ofDays(11));
    Outcome late = online("amend", "--n-c-floor", "1");
    assertThat(late.exitCode()).isEqualTo(1);
    assertThat(late.err()).contains("the present membership expired at 2026-03-11T00:00:00Z");
    assertThat(online("amend", "--expires", "P365D").exitCode()).isZero();
  }

  @Test
  void membershipsAreSignedWithoutAnyConnectionAndPublishedLaterInOrder() throws Exception {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    Path info = Files.writeString(temporary.resolve("info"), aggregator.info());
    Path enrolments = Files.writeString(temporary.resolve("enrolled"), aggregator.enrolments());
    Path one = temporary.resolve("one.json");
    Path two = temporary.resolve("two.json");
    assertThat(invite("north", "--federation-info", info.toString()).exitCode()).isZero();

    Outcome admitted =
        run(
            "admit",
            "--dir",
            folder.toString(),
            "--out",
            one.toString(),
            "--federation-info",
            info.toString(),
            "--enrolments",
            enrolments.toString(),
            "--site",
            "north=" + north.displayFingerprint(),
            "--site",
            "south=" + south.displayFingerprint());
    Outcome revoked = run("revoke", "south", "--dir", folder.toString(), "--out", two.toString());

    assertThat(admitted.exitCode()).as(admitted.err()).isZero();
    assertThat(revoked.exitCode()).as(revoked.err()).isZero();
    assertThat(aggregator.membership()).isEmpty();
    assertThat(run("show", "--dir", folder.toString()).out())
        .contains("membership   version 2 of demo", "signed, not handed over yet: see publish");

    Outcome published = publish(one.toString(), two.toString(), "--ca-pin", caPin().hex());
    assertThat(published.exitCode()).as(published.err()).isZero();
    assertThat(current().version()).isEqualTo(2);

    Outcome known = publish("--dir", folder.toString());
    assertThat(known.exitCode()).as(known.err()).isZero();
    assertThat(folder.resolve("membership-1.json")).exists();
    assertThat(folder.resolve("membership-2.json")).exists();
  }

  @Test
  void publishHandsOverWhatTheFolderStillHolds() throws Exception {
    founded("north", enrol("north"), "south", enrol("south"));
    Path out = temporary.resolve("next.json");
    assertThat(
            run("revoke", "south", "--dir", folder.toString(), "--out", out.toString()).exitCode())
        .isZero();
    assertThat(
            run("amend", "--n-c-floor", "0", "--dir", folder.toString(), "--out", out.toString())
                .exitCode())
        .isZero();

    Outcome published = publish("--dir", folder.toString());

    assertThat(published.exitCode()).as(published.err()).isZero();
    assertThat(published.out()).contains("membership-2.json", "membership-3.json");
    assertThat(current().version()).isEqualTo(3);
  }

  @Test
  void showTellsWhoBelongsWhoWasRevokedAndWhatHolds() {
    MessagePublicKey north = enrol("north");
    MessagePublicKey south = enrol("south");
    founded("north", north, "south", south);
    online("revoke", "south", "--reason", "left the federation");

    Outcome text = run("show", "--dir", folder.toString());
    Outcome asJson = run("show", "--dir", folder.toString(), "--json");
    Outcome first = run("show", "--dir", folder.toString(), "--membership", "1");

    assertThat(text.out())
        .contains("membership   version 2 of demo")
        .contains("valid        2026-03-01T00:00:00Z to 2027-03-01T00:00:00Z")
        .contains("aggregator   " + aggregator.key.publicKey())
        .contains("member       north  " + north)
        .contains(
            "revoked      site south  key "
                + south
                + " at 2026-03-01T00:00:00Z: left the federation")
        .contains("n_C floor    1")
        .contains("allowed      logistic-regression mlp")
        .contains("state        taken by the aggregator");
    var json = Json.parse("show", asJson.out());
    assertThat(json.path("version").intValue()).isEqualTo(2);
    assertThat(json.path("revocations").get(0).path("site").stringValue()).isEqualTo("south");
    assertThat(json.path("revocations").get(0).path("reason").stringValue())
        .isEqualTo("left the federation");
    assertThat(json.path("taken").booleanValue()).isTrue();
    assertThat(first.out()).contains("member       south  " + south);
    assertThat(run("show", "--dir", folder.toString(), "--membership", "9").err())
        .contains("holds no membership version 9");
  }

  private void founded(String one, MessagePublicKey first, String other, MessagePublicKey second) {
    Outcome outcome =
        admit(
            "--ca-pin",
            pinOf(aggregator).hex(),
            "--site",
            one + "=" + first.displayFingerprint(),
            "--site",
            other + "=" + second.displayFingerprint());
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
  }

  private Path statement(String site, MessageKey from, MessageKey to) throws Exception {
    KeySuccession statement =
        KeySuccession.sign(new FederationId("demo"), Optional.of(new SiteId(site)), from, to);
    return Files.writeString(
        Files.createTempFile(temporary, "statement", ".txt"), statement.token() + "\n");
  }

  private Outcome online(String... command) {
    return run(
        Stream.concat(
                Stream.of(command),
                Stream.of(
                    "--dir",
                    folder.toString(),
                    "--url",
                    aggregator.url().toString(),
                    "--token-file",
                    apiToken.toString()))
            .toArray(String[]::new));
  }

  private Outcome publish(String... more) {
    return run(
        concat(
            more,
            "publish",
            "--url",
            aggregator.url().toString(),
            "--token-file",
            apiToken.toString()));
  }

  private Outcome invite(String site, String... more) {
    return run(
        concat(
            more,
            "invite",
            "--dir",
            folder.toString(),
            "--site",
            site,
            "--url",
            aggregator.url().toString()));
  }

  private Outcome admit(String... more) {
    return run(
        concat(
            more,
            "admit",
            "--dir",
            folder.toString(),
            "--url",
            aggregator.url().toString(),
            "--token-file",
            apiToken.toString()));
  }

  private static String[] concat(String[] more, String... first) {
    return Stream.concat(Stream.of(first), Stream.of(more)).toArray(String[]::new);
  }

  private Outcome run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        ConsortiumCommand.commandLine(clock, new StringReader(answers))
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(arguments);
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  private MessagePublicKey enrol(String site) {
    MessagePublicKey key = MessageKey.generate().publicKey();
    aggregator.enrolled.put(site, key);
    return key;
  }

  private MembershipEpoch current() {
    return aggregator.membership().orElseThrow().verify(consortium());
  }

  private MessagePublicKey consortium() {
    return new ConsortiumFolder(folder).publicKey();
  }

  private Digest caPin() throws Exception {
    return pinOf(aggregator);
  }

  private static Digest pinOf(LocalAggregator aggregator) {
    return FederationInfo.parse("test", aggregator.info()).caPin();
  }
}
