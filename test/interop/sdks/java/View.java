import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.arcp.core.events.EventBody;
import dev.arcp.core.wire.ArcpMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;

/** What one subscriber was given, and how it ended. */
final class View implements Flow.Subscriber<EventBody> {
  private final List<EventBody> bodies = new ArrayList<>();
  private final ObjectNode end = ArcpMapper.shared().createObjectNode();

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public synchronized void onNext(EventBody body) {
    bodies.add(body);
    notifyAll();
  }

  @Override
  public synchronized void onError(Throwable failure) {
    end.set("failed", Drive.told(failure));
    notifyAll();
  }

  @Override
  public synchronized void onComplete() {
    end.put("complete", true);
    notifyAll();
  }

  synchronized List<EventBody> bodies() {
    return List.copyOf(bodies);
  }

  synchronized Object seen(int count) throws InterruptedException {
    while (bodies.size() < count && end.isEmpty()) wait();
    return bodies.stream().map(View::told).toList();
  }

  synchronized Object ended() throws InterruptedException {
    var events = ArcpMapper.shared().valueToTree(seen(Integer.MAX_VALUE));
    return end.deepCopy().set("events", events);
  }

  private static ObjectNode told(EventBody body) {
    ObjectNode told = ArcpMapper.shared().createObjectNode().put("kind", body.kind().wire());
    return told.set("body", ArcpMapper.shared().valueToTree(body));
  }
}
