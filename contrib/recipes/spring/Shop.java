import org.springframework.beans.factory.annotation.Value;

/** A bean that takes a value of the environment, as `envfs exec` gives it. */
public class Shop {
    private final String key;

    public Shop(@Value("${STRIPE_KEY}") String key) {
        this.key = key;
    }

    public boolean hasKey() {
        return !key.isEmpty();
    }
}
