import dev.arcp.core.events.Events;
import dev.arcp.core.messages.JobEvent;
import dev.arcp.core.messages.Messages;
import dev.arcp.core.transport.Transport;
import dev.arcp.core.wire.ArcpMapper;
import dev.arcp.core.wire.Envelope;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;

/** The SDK's own transport, and what it delivers, each frame decoded as the client decodes it: what it cannot read is told. */
final class Tap implements Transport {
  final List<Long> seqs = new CopyOnWriteArrayList<>();
  final List<String> types = new CopyOnWriteArrayList<>();
  final List<String> unread = new CopyOnWriteArrayList<>();
  final CountDownLatch open;
  private final Transport transport;

  Tap(Transport transport, boolean isHeld) {
    this.transport = transport;
    this.open = new CountDownLatch(isHeld ? 1 : 0);
  }

  @Override
  public void send(Envelope envelope) {
    transport.send(envelope);
  }

  @Override
  public Flow.Publisher<Envelope> incoming() {
    return reader -> transport.incoming().subscribe(new Passing(reader));
  }

  @Override
  public void close() {
    transport.close();
  }

  /** Waits until so many frames of a type have come. */
  synchronized void heard(String type, int count) throws InterruptedException {
    while (types.stream().filter(type::equals).count() < count) wait();
  }

  private void read(Envelope envelope) {
    synchronized (this) {
      types.add(envelope.type());
      notifyAll();
    }
    if (envelope.eventSeq() != null) seqs.add(envelope.eventSeq());
    try {
      if (Messages.decode(ArcpMapper.shared(), envelope) instanceof JobEvent event) Events.decode(ArcpMapper.shared(), event.eventKind(), event.body());
    } catch (RuntimeException failure) {
      unread.add(envelope.type() + ": " + failure.getMessage());
    }
  }

  private final class Passing implements Flow.Subscriber<Envelope> {
    private final Flow.Subscriber<? super Envelope> reader;

    Passing(Flow.Subscriber<? super Envelope> reader) {
      this.reader = reader;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      reader.onSubscribe(subscription);
    }

    @Override
    public void onNext(Envelope envelope) {
      try {
        open.await();
      } catch (InterruptedException failure) {
        throw new IllegalStateException(failure);
      }
      read(envelope);
      reader.onNext(envelope);
    }

    @Override
    public void onError(Throwable failure) {
      reader.onError(failure);
    }

    @Override
    public void onComplete() {
      reader.onComplete();
    }
  }
}
