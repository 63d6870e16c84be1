package dev.comity.run.postgres;

import dev.comity.audit.AuditLog;
import dev.comity.audit.Journal;
import dev.comity.audit.JournalLine;
import dev.comity.audit.Signals;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.run.RunEvent;
import dev.comity.run.RunState;
import dev.comity.run.RunSubmission;
import dev.comity.run.RunTransition;
import dev.comity.run.Runs;
import dev.comity.transparency.AuditEntry;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.function.Supplier;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/// Runs on PostgreSQL. A run is stored with the plan of its first round, from which every later
/// plan follows.
@Component
final class PostgresRuns implements Runs {

  private final JdbcClient sql;
  private final TransactionTemplate transactions;
  private final ArtifactStore artifacts;
  private final ModelRegistry registry;
  private final Journal journal;
  private final AuditLog audit;
  private final Signals signals;
  private final FederationId federation;
  private final Clock clock;

  PostgresRuns(
      JdbcClient sql,
      PlatformTransactionManager manager,
      ArtifactStore artifacts,
      ModelRegistry registry,
      Journal journal,
      AuditLog audit,
      Signals signals,
      FederationId federation,
      Clock clock) {
    this.sql = sql;
    this.transactions = new TransactionTemplate(manager);
    this.artifacts = artifacts;
    this.registry = registry;
    this.journal = journal;
    this.audit = audit;
    this.signals = signals;
    this.federation = federation;
    this.clock = clock;
  }

  @Override
  public void submit(RunSubmission submission, String account) {
    var architecture = submission.architecture();
    var model = fitting("", () -> BuiltInModel.of(architecture.family(), architecture.widths()));
    var provenance = WeightsProvenance.initial(submission.id().toString());
    var weights =
        WeightsFile.encode(model.tensors(), model.initialValues(submission.seed()), provenance);
    var state =
        OptimizerStateFile.encode(new float[model.size()], new float[model.size()], provenance);
    var layout = PlanCodec.encode(ParameterLayout.of(architecture));
    var first =
        fitting(
            "",
            () ->
                versionZero(
                    submission,
                    digest(weights::writeTo),
                    digest(state::writeTo),
                    Digest.of(layout)));
    var document = PlanCodec.encode(first);
    var plan = fitting("", () -> plan(submission, first, Digest.of(document)));
    transactions.executeWithoutResult(_ -> {
      study(submission);
      cohort(submission);
      insert(submission, account, plan, Digest.of(document));
      // After every check: a refused submission leaves no files.
      artifacts.put(first.weights(), weights::writeTo);
      artifacts.put(first.optimizerState(), state::writeTo);
      artifacts.put(layout);
      registry.publish(Digest.of(document), document);
      journal.append(
          JournalLine.run(
                  submission.id(),
                  "run.submitted",
                  "The run was submitted by "
                      + account
                      + ": "
                      + submission.rounds()
                      + " rounds with "
                      + submission.cohort().size()
                      + " sites.")
              .moved(null, "RUNNING"));
      journal.append(
          JournalLine.model(
              submission.id(),
              null,
              "model.published",
              "Version 0 of the model follows from the seed."));
      signals.signal(Signals.runs());
    });
  }

  private static <T> T fitting(String pointer, Supplier<T> work) {
    try {
      return work.get();
    } catch (IllegalArgumentException unfit) {
      throw new RefusedSubmission(pointer, String.valueOf(unfit.getMessage()));
    }
  }

  private ModelVersion versionZero(
      RunSubmission submission, Digest weights, Digest optimizerState, Digest layout) {
    return new ModelVersion(
        federation,
        submission.id(),
        0,
        Optional.empty(),
        submission.architecture(),
        weights,
        optimizerState,
        layout,
        Optional.empty());
  }

  private static Digest digest(ArtifactStore.Content content) {
    try {
      var sha256 = MessageDigest.getInstance("SHA-256");
      content.writeTo(new DigestOutputStream(OutputStream.nullOutputStream(), sha256));
      return Digest.ofValue(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RoundPlan plan(RunSubmission submission, ModelVersion base, Digest baseDigest) {
    var algorithm = submission.algorithm();
    return new RoundPlan(
        new UpdateTerms(
            federation,
            submission.id(),
            RunKind.TRAIN,
            submission.study(),
            submission.purpose(),
            submission.dataContract(),
            baseDigest,
            0,
            submission.architecture(),
            base.weights(),
            base.optimizerState(),
            ParameterLayout.of(submission.architecture()),
            VectorLayout.of(
                    RunKind.TRAIN,
                    submission.architecture(),
                    submission.encoding(),
                    submission.clipNorm(),
                    submission.maxExamples(),
                    submission.lossCap(),
                    submission.noise())
                .forRound(submission.id(), 0),
            algorithm.localObjective(),
            submission.training(),
            submission.seed(),
            algorithm.weighting(),
            submission.clipNorm(),
            submission.noise(),
            submission.encoding(),
            submission.maxExamples(),
            submission.lossCap(),
            submission.partialAllowed()),
        1,
        submission.cohort(),
        algorithm.serverStep(),
        submission.minReady(),
        submission.nC(),
        submission.minHonest(),
        submission.silenceLimit(),
        submission.hardLimit(),
        submission.suite());
  }

  private void study(RunSubmission submission) {
    sql.sql(
            """
            insert into study (name, purpose, data_contract, data_contract_digest, created_at)
            values (:name, :purpose, cast(:contract as jsonb), :digest, :now) on conflict (name) do nothing
            """)
        .param("name", submission.study())
        .param("purpose", submission.purpose())
        .param("contract", submission.dataContractDocument())
        .param("digest", submission.dataContract().bytes())
        .param("now", clock.instant().atOffset(ZoneOffset.UTC))
        .update();
    var stored =
        sql.sql("select data_contract_digest from study where name = ?")
            .param(submission.study())
            .query(byte[].class)
            .single();
    if (!Digest.ofValue(stored).equals(submission.dataContract())) {
      throw new RefusedSubmission(
          "/dataContract",
          "study "
              + submission.study()
              + " has another data contract, "
              + Digest.ofValue(stored).abbreviated()
              + "; take its contract or name another study");
    }
  }

  private void cohort(RunSubmission submission) {
    for (SiteId site : submission.cohort()) {
      var active =
          sql.sql("select count(*) from site where site_id = ? and state = 'ACTIVE'")
              .param(site.value())
              .query(Integer.class)
              .single();
      if (active == 0) {
        throw new RefusedSubmission(
            "/cohort",
            "site " + site + " is no active member of the federation; leave it out or admit it");
      }
    }
  }

  private void insert(
      RunSubmission submission, String account, RoundPlan plan, Digest modelVersion) {
    var inserted =
        sql.sql(
                """
                insert into run (id, name, study, kind, submission, submitted_by, submitted_at, rounds_planned, state,
                  template, model_version)
                values (:id, :name, :study, 'TRAIN', cast(:submission as jsonb), :account, :now, :rounds, 'RUNNING',
                  :template, :version) on conflict do nothing
                """)
            .param("id", submission.id().value())
            .param("name", submission.name())
            .param("study", submission.study())
            .param("submission", submission.document())
            .param("account", account)
            .param("now", clock.instant().atOffset(ZoneOffset.UTC))
            .param("rounds", submission.rounds())
            .param("template", PlanCodec.encode(plan))
            .param("version", modelVersion.bytes())
            .update();
    if (inserted == 0) {
      throw new RefusedSubmission(
          "/name", "a run named " + submission.name() + " exists already; choose another name");
    }
  }

  @Override
  public RunTransition cancel(RunId run, String account) {
    var transition =
        transactions.execute(_ -> {
          var next = state(run).on(new RunEvent.CancelRequested(account));
          if (next instanceof RunTransition.Moved) {
            sql.sql(
                    """
                    update run set state = 'CANCELLED', reason = :reason, ended_at = :now where id = :run
                    """)
                .param("reason", account)
                .param("now", clock.instant().atOffset(ZoneOffset.UTC))
                .param("run", run.value())
                .update();
            journal.append(
                JournalLine.run(run, "run.ended", "The run was cancelled by " + account + ".")
                    .moved("RUNNING", "CANCELLED"));
            signals.signal(Signals.runs());
            audit.append(
                new AuditEntry.Run(run, AuditEntry.RunOutcome.CANCELLED, newestModel(run)));
          }
          return next;
        });
    if (transition == null) {
      throw new UnknownRun(run);
    }
    return transition;
  }

  private Digest newestModel(RunId run) {
    return Digest.ofValue(
        sql.sql("select model_version from run where id = ?")
            .param(run.value())
            .query(byte[].class)
            .single());
  }

  private RunState state(RunId run) {
    return sql.sql(
            """
            select state, reason, rounds_planned, committed_rounds, abandoned_in_a_row from run where id = ? for update
            """)
        .param(run.value())
        .query((row, _) ->
            RunState.stored(
                row.getString("state"),
                row.getString("reason"),
                row.getInt("rounds_planned"),
                row.getInt("committed_rounds"),
                row.getInt("abandoned_in_a_row")))
        .optional()
        .orElseThrow(() -> new UnknownRun(run));
  }
}
