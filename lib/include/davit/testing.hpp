// A database of its own for each test case, without a restart between them. Header-only; plain classes that every test
// framework takes as fixtures:
//
//     TEST_CASE_FIXTURE(davit::testing::PostgresCase<>, "an order is kept") { connect(url()); … }      // doctest
//     TEST_CASE_METHOD(davit::testing::PostgresCase<>, "an order is kept") { … }                       // Catch2
//     struct Orders : ::testing::Test, davit::testing::PostgresCase<> {};  TEST_F(Orders, AreKept) { … } // GoogleTest
//
// The first case of a process starts the server, in a scope with a name of its own; it goes with the process, whatever
// ends that. Each case of PostgresCase has a new database, made from a template; each case of RedisCase an empty
// server. Cases of one process come one after the other; processes run side by side. What cannot be done throws
// davit::Error.
#pragma once

#include "davit/project_builder.hpp"
#include "davit/scope.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace davit::testing {

// A project of its own beside those of other test processes.
inline ScopeOptions own_scope() {
    ScopeOptions options;
    options.unique = options.ephemeral_ports = true;
    return options;
}

struct PostgresOptions {
    std::string image = "postgres:15";
    std::string schema; // SQL that is run once, in the template of all cases' databases
    std::chrono::seconds ready_within{60};
};

// A server in memory that keeps nothing: no sync, its data a tmpfs.
class Postgres {
public:
    explicit Postgres(const PostgresOptions& options = {}) : scope_(project(options), own_scope()) {
        scope_.wait({port("db", 5432), command("db", {"pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"})},
                    options.ready_within);
        sql("postgres", "create database template_case");
        if (!options.schema.empty()) sql("template_case", options.schema);
    }

    // A database like the template; the name is new for each call.
    std::string make_database() {
        std::string name = "case_" + std::to_string(++made_);
        sql("postgres", "create database " + name + " template template_case");
        return name;
    }
    // With the connections that are still there.
    void drop_database(const std::string& name) {
        sql("postgres", "drop database if exists " + name + " with (force)");
    }

    std::string address() { return scope_.address("db", 5432); }
    std::string url(const std::string& database) {
        return "postgresql://postgres:postgres@" + address() + "/" + database;
    }
    // What psql -At prints. Errors: failed, with what the server says.
    std::string sql(const std::string& database, const std::string& text) {
        const ExecOutput out = scope_.exec(
            "db", std::vector<std::string>{"psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database},
            text);
        if (out.exit_code != 0) throw Error(Errc::failed, "PostgreSQL: " + out.stderr_text);
        return out.stdout_text;
    }
    Scope& scope() { return scope_; }

private:
    static Project project(const PostgresOptions& options) {
        ProjectBuilder b("davit-test-postgres");
        b.service("db")
            .image(options.image)
            .environment("POSTGRES_PASSWORD", "postgres")
            .environment("POSTGRES_INITDB_ARGS", "--no-sync")
            .command({"postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"})
            .tmpfs("/var/lib/postgresql/data")
            .port("127.0.0.1::5432");
        return b.build();
    }

    Scope scope_;
    std::atomic<int> made_{0};
};

struct RedisOptions {
    std::string image = "redis:7";
    std::chrono::seconds ready_within{60};
};

class Redis {
public:
    explicit Redis(const RedisOptions& options = {}) : scope_(project(options), own_scope()) {
        scope_.wait({port("redis", 6379), command("redis", {"redis-cli", "ping"})}, options.ready_within);
    }
    void empty() { run({"flushall"}); }
    std::string address() { return scope_.address("redis", 6379); }
    std::string url() { return "redis://" + address(); }
    // What redis-cli prints. Errors: failed.
    std::string run(std::vector<std::string> words) {
        words.insert(words.begin(), {"redis-cli", "-e"});
        const ExecOutput out = scope_.exec("redis", std::move(words));
        if (out.exit_code != 0) throw Error(Errc::failed, "Redis: " + out.stdout_text + out.stderr_text);
        return out.stdout_text;
    }
    Scope& scope() { return scope_; }

private:
    static Project project(const RedisOptions& options) {
        ProjectBuilder b("davit-test-redis");
        b.service("redis")
            .image(options.image)
            .command({"redis-server", "--save", "", "--appendonly", "no"})
            .tmpfs("/data")
            .port("127.0.0.1::6379");
        return b.build();
    }

    Scope scope_;
};

// What the cases of a process share: made by the first, one for each Setup.
struct PostgresSetup {
    static PostgresOptions options() { return {}; }
};
struct RedisSetup {
    static RedisOptions options() { return {}; }
};

template <typename Setup = PostgresSetup>
class PostgresCase {
public:
    PostgresCase() : database_(server().make_database()) {}
    ~PostgresCase() {
        try {
            server().drop_database(database_);
        } catch (const std::exception&) { // the case is over, and the server goes with the process
        }
    }
    PostgresCase(const PostgresCase&) = delete;
    PostgresCase& operator=(const PostgresCase&) = delete;

    static Postgres& server() {
        static Postgres one(Setup::options());
        return one;
    }
    const std::string& database() const { return database_; }
    std::string url() const { return server().url(database_); }
    std::string sql(const std::string& text) const { return server().sql(database_, text); }

private:
    std::string database_;
};

template <typename Setup = RedisSetup>
class RedisCase {
public:
    RedisCase() { server().empty(); }
    static Redis& server() {
        static Redis one(Setup::options());
        return one;
    }
    std::string url() const { return server().url(); }
};

} // namespace davit::testing
