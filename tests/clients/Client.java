// JDBC.

import java.math.BigDecimal;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

class Client {
    public static void main(String[] arguments) throws SQLException {
        var environment = System.getenv();
        var url = "jdbc:postgresql://%s:%s/%s"
            .formatted(environment.get("PGHOST"), environment.get("PGPORT"), environment.get("PGDATABASE"));
        var properties = new Properties();
        properties.setProperty("user", environment.get("PGUSER"));
        properties.setProperty("password", environment.get("PGPASSWORD"));
        // The driver prepares on the server at the fifth execution; for a pooler that does not track it, never.
        properties.setProperty("prepareThreshold", environment.containsKey("POOLED") ? "0" : "1");

        try (var db = DriverManager.getConnection(url, properties);
             var addUser = db.prepareStatement("INSERT INTO users (name) VALUES (?) RETURNING id");
             var issue = db.prepareStatement("SELECT referral.issue_invite(?)");
             var redeem = db.prepareStatement("SELECT status, referrer FROM referral.redeem_invite(?, ?)");
             var buy = db.prepareStatement("INSERT INTO orders (user_id, total) VALUES (?, ?)");
             var balance = db.prepareStatement("SELECT available FROM referral.balance(?)");
             var count = db.prepareStatement("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0")) {
            var referrer = fetch(addUser, "referrer").get(0);
            Object available = null;
            for (int n = 1; n <= 8; n++) {
                var code = fetch(issue, referrer).get(0);
                db.setAutoCommit(false);
                var friend = fetch(addUser, "friend " + n).get(0);
                check(fetch(redeem, "7KQ2-M9XD-4TRWA", friend), "malformed_code", null);
                check(fetch(redeem, "7KQ2-M9XD-4TRW3", friend), "unknown_code", null);
                check(fetch(redeem, code, friend), "redeemed", referrer);
                db.commit();
                db.setAutoCommit(true);
                buy.setObject(1, friend);
                buy.setBigDecimal(2, new BigDecimal("30.00"));
                buy.executeUpdate();
                available = fetch(balance, referrer).get(0);
                check(List.of(available), new BigDecimal(10 * n + ".00"));
            }
            System.out.printf("{\"referrer\": \"%s\", \"available\": \"%s\", \"generic_plans\": %s}%n",
                referrer, available, fetch(count).get(0));
        }
    }

    /** The first row; a key in it is a Long or a UUID. */
    static List<Object> fetch(PreparedStatement statement, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
        try (var rows = statement.executeQuery()) {
            rows.next();
            var row = new ArrayList<Object>();
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) row.add(rows.getObject(i));
            return row;
        }
    }

    static void check(List<Object> found, Object... expected) {
        if (!found.equals(Arrays.asList(expected))) throw new AssertionError(found + " instead of " + Arrays.asList(expected));
    }
}
