import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.arcp.client.ArcpClient;
import dev.arcp.client.JobHandle;
import dev.arcp.client.Page;
import dev.arcp.client.ResultStream;
import dev.arcp.client.Session;
import dev.arcp.client.SubscribeOptions;
import dev.arcp.client.WebSocketTransport;
import dev.arcp.core.capabilities.Feature;
import dev.arcp.core.error.ArcpException;
import dev.arcp.core.events.EventBody;
import dev.arcp.core.events.ResultChunkEvent;
import dev.arcp.core.ids.JobId;
import dev.arcp.core.ids.TraceId;
import dev.arcp.core.lease.Lease;
import dev.arcp.core.lease.LeaseConstraints;
import dev.arcp.core.messages.JobFilter;
import dev.arcp.core.messages.JobSubmit;
import dev.arcp.core.messages.JobSummary;
import dev.arcp.core.wire.ArcpMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The client of the Java SDK, led by hand: each line on stdin names a call of its public API, a line on stdout tells what came of
 * it. Clients, jobs and subscribers go by the names that the calls give them.
 */
public final class Drive {
  private static final ObjectMapper JSON = ArcpMapper.shared();
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Map<String, ArcpClient> clients = new ConcurrentHashMap<>();
  private final Map<String, Tap> taps = new ConcurrentHashMap<>();
  private final Map<String, JobHandle> jobs = new ConcurrentHashMap<>();
  private final Map<String, View> views = new ConcurrentHashMap<>();

  public static void main(String[] arguments) throws Exception {
    Drive drive = new Drive();
    var calls = Executors.newCachedThreadPool();
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      JsonNode call = JSON.readTree(line);
      calls.submit(() -> drive.answer(call));
    }
    System.exit(0);
  }

  private void answer(JsonNode call) {
    ObjectNode answer = JSON.createObjectNode().put("id", call.get("id").asInt());
    try {
      answer.set("saw", JSON.valueToTree(call(call)));
    } catch (Throwable failure) {
      answer.set("failed", told(failure));
    }
    synchronized (System.out) {
      System.out.println(answer);
    }
  }

  private Object call(JsonNode call) throws Exception {
    return switch (call.get("call").asText()) {
      case "open" -> open(call);
      case "submit" -> submit(call);
      case "result" -> job(call).result().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      case "cancel" -> done(job(call)::cancel);
      case "events" -> done(() -> job(call).events().subscribe(view(call)));
      case "subscribe" -> subscribe(call);
      case "unsubscribe" -> done(() -> client(call).unsubscribe(JobId.of(text(call, "job_id"))));
      case "seen" -> view(call).seen(call.get("count").asInt());
      case "ended" -> view(call).ended();
      case "assembled" -> assembled(call);
      case "list" -> list(call);
      case "ack" -> done(() -> client(call).ack(call.get("seq").asLong()));
      case "wire" -> wire(call);
      case "heard" -> heard(call);
      case "close" -> done(client(call)::close);
      default -> throw new IllegalArgumentException("no such call: " + call);
    };
  }

  /** A session, new or had before. Jobs of `watching` are subscribed to behind the hello, before any frame is read. */
  private Object open(JsonNode call) throws Exception {
    boolean isHeld = call.has("watching");
    Tap tap = new Tap(WebSocketTransport.connect(URI.create(text(call, "url"))), isHeld);
    ArcpClient.Builder builder = ArcpClient.builder(tap).client("drive", "1");
    if (call.has("token")) builder.bearer(text(call, "token"));
    if (call.has("features")) {
      builder.features(texts(call, "features").stream().flatMap(f -> Feature.fromWire(f).stream()).collect(Collectors.toSet()));
    }
    if (call.has("resume_token")) {
      builder.resumeToken(text(call, "resume_token")).lastEventSeq(call.get("last_event_seq").asLong());
    }
    ArcpClient client = builder.autoAck(!call.has("ack")).build();
    clients.put(text(call, "client"), client);
    taps.put(text(call, "client"), tap);
    if (!isHeld) return told(client.connect(PATIENCE));
    var session = client.connect();
    for (String id : texts(call, "watching")) {
      View view = new View();
      views.put(id, view);
      client.subscribe(JobId.of(id), SubscribeOptions.live()).subscribe(view);
    }
    tap.open.countDown();
    return told(session.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
  }

  private Object submit(JsonNode call) {
    Lease lease = call.has("lease") ? JSON.convertValue(call.get("lease"), Lease.class) : null;
    LeaseConstraints until =
        call.has("expires_at") ? LeaseConstraints.of(Instant.parse(text(call, "expires_at"))) : null;
    Integer seconds = call.has("max_runtime_sec") ? call.get("max_runtime_sec").asInt() : null;
    JobSubmit submit =
        ArcpClient.jobSubmit(
            text(call, "agent"), call.has("input") ? call.get("input") : JSON.createObjectNode(), lease, until, call.path("key").textValue(), seconds);
    JobHandle job = client(call).submit(submit, call.has("trace") ? TraceId.of(text(call, "trace")) : null);
    jobs.put(text(call, "job"), job);
    return job.accepted();
  }

  private Object subscribe(JsonNode call) {
    SubscribeOptions options =
        call.has("from") ? SubscribeOptions.withHistory(call.get("from").asLong()) : SubscribeOptions.live();
    client(call).subscribe(JobId.of(text(call, "job_id")), options).subscribe(view(call));
    return Map.of();
  }

  private Object list(JsonNode call) throws Exception {
    List<String> status = call.has("status") ? texts(call, "status") : null;
    Instant after = call.has("created_after") ? Instant.parse(text(call, "created_after")) : null;
    Integer limit = call.has("limit") ? call.get("limit").asInt() : null;
    JobFilter filter = new JobFilter(status, call.path("agent").textValue(), after);
    Page<JobSummary> page = client(call).listJobs(filter, limit, call.path("cursor").textValue());
    ObjectNode told = JSON.createObjectNode().put("next_cursor", page.nextCursor());
    return told.set("jobs", JSON.valueToTree(page.items()));
  }

  /** A streamed result, put together by the SDK out of the events of its job. */
  private Object assembled(JsonNode call) throws Exception {
    View view = new View();
    job(call).events().subscribe(view);
    view.ended();
    ResultStream stream = ResultStream.toMemory(job(call).result().get().resultId());
    for (EventBody body : view.bodies()) {
      if (body instanceof ResultChunkEvent chunk) stream.accept(chunk);
    }
    String text = new String(stream.bytes(), StandardCharsets.UTF_8);
    return Map.of("complete", stream.isComplete(), "bytes", stream.bytesWritten(), "text", text);
  }

  private Object heard(JsonNode call) throws InterruptedException {
    taps.get(text(call, "client")).heard(text(call, "type"), call.get("count").asInt());
    return Map.of();
  }

  private Object wire(JsonNode call) {
    Tap tap = taps.get(text(call, "client"));
    return Map.of("last_seen_seq", client(call).lastSeenSeq(), "seqs", tap.seqs, "types", tap.types, "unread", tap.unread);
  }

  private ArcpClient client(JsonNode call) {
    return clients.get(text(call, "client"));
  }

  private JobHandle job(JsonNode call) {
    return jobs.get(text(call, "job"));
  }

  private View view(JsonNode call) {
    return views.computeIfAbsent(text(call, "view"), name -> new View());
  }

  private static Map<String, Object> done(Runnable action) {
    action.run();
    return Map.of();
  }

  private static String text(JsonNode call, String name) {
    return call.get(name).asText();
  }

  private static List<String> texts(JsonNode call, String name) {
    return JSON.convertValue(call.get(name), JSON.getTypeFactory().constructCollectionType(List.class, String.class));
  }

  private static ObjectNode told(Session session) {
    Set<String> features = session.negotiatedFeatures().stream().map(Feature::wire).collect(Collectors.toSet());
    ObjectNode told = JSON.createObjectNode();
    told.put("session_id", session.sessionId().asString()).put("resume_token", session.resumeToken());
    told.put("heartbeat_sec", session.heartbeatInterval() == null ? null : session.heartbeatInterval().toSeconds());
    told.set("features", JSON.valueToTree(features));
    return told.set("agents", JSON.valueToTree(session.availableAgents()));
  }

  static ObjectNode told(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    ObjectNode told = JSON.createObjectNode();
    told.put("name", cause.getClass().getSimpleName()).put("message", cause.getMessage());
    if (cause instanceof ArcpException error) told.put("code", error.code().wire()).put("retryable", error.retryable());
    return told;
  }
}
