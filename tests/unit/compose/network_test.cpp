#include "table.hpp"

using namespace davit::test;

TEST_CASE("ports: short forms") {
    check_attribute(
        "ports",
        {
            {"[80]", R"([{"mode":"ingress","protocol":"tcp","target":80}])"},
            {"['8080:80']", R"([{"mode":"ingress","protocol":"tcp","published":"8080","target":80}])"},
            {"['127.0.0.1:8080:80/udp']",
             R"([{"host_ip":"127.0.0.1","mode":"ingress","protocol":"udp","published":"8080","target":80}])"},
            {"['[::1]:6001:6001']",
             R"([{"host_ip":"::1","mode":"ingress","protocol":"tcp","published":"6001","target":6001}])"},
            {"['8000-8001:80-81']",
             R"([{"mode":"ingress","protocol":"tcp","published":"8000","target":80},{"mode":"ingress","protocol":"tcp","published":"8001","target":81}])"},
            {"['8000-8010:80']", R"([{"mode":"ingress","protocol":"tcp","published":"8000-8010","target":80}])"},
            {"['80:80/']", R"([{"mode":"ingress","protocol":"tcp","published":"80","target":80}])"},
            {"['80:80', '80:80']", R"([{"mode":"ingress","protocol":"tcp","published":"80","target":80}])"},
            {"['a:80']", "! the host port 'a' is no port number"},
            {"['70000:80']", "! no port number from 0 to 65535"},
            {"['80:80/tpc']", "! 'tpc' is no protocol"},
            {"['1.2.3:80:80']", "! is no IP address"},
            {"['1-3:1-2']", "! differ in length"},
            {"[1.5]", "! whole number"},
            {"80", "! must be a list"},
        });
}

TEST_CASE("ports: long form") {
    check_attribute(
        "ports",
        {
            {"[{target: 80, published: 8080, host_ip: 127.0.0.1, name: web, app_protocol: http}]",
             R"([{"app_protocol":"http","host_ip":"127.0.0.1","mode":"ingress","name":"web","protocol":"tcp","published":"8080","target":80}])"},
            {"[{target: 80, published: '80-90', mode: host, protocol: udp}]",
             R"([{"mode":"host","protocol":"udp","published":"80-90","target":80}])"},
            {"['80:80', {target: 80, published: 80}]",
             R"([{"mode":"ingress","protocol":"tcp","published":"80","target":80},{"mode":"ingress","protocol":"tcp","published":"80","target":80}])"},
            {"['80:80', {target: 80, published: '80', mode: host}]",
             R"([{"mode":"host","protocol":"tcp","published":"80","target":80}])"},
            {"[{target: 80, published: '80'}, {target: 80, published: 80}]", "! is the same as item [0]"},
            {"[{published: 80}]", "! has no target"},
            {"[{target: 80, host_ip: nowhere}]", "! is no IP address"},
            {"[{target: 80, hostip: a}]", "! 'hostip' is no attribute of a port"},
        });
}

TEST_CASE("expose") {
    check_attribute("expose", {{"[80, '90/udp', '8000-8010']", R"(["80","90/udp","8000-8010"])"},
                               {"[80, '80']", R"(["80"])"},
                               {"[1.5]", "! a port is a whole number"},
                               {"[true]", "! must be"}});
}

TEST_CASE("networks of a service") {
    check_attribute("networks", {
                                    {"[a, b]", R"({"a":null,"b":null})"},
                                    {"{a: , b: {aliases: [x, x], ipv4_address: 10.0.0.2, priority: 5}}",
                                     R"({"a":null,"b":{"aliases":["x"],"ipv4_address":"10.0.0.2","priority":5}})"},
                                    {"[]", R"({"default":null})"},
                                    {"{a: {priority: '5'}}", "! must be a number"},
                                    {"[a, a]", "! is the same as item"},
                                });
}

TEST_CASE("extra hosts and links") {
    check_attribute("extra_hosts",
                    {
                        {"['a=1.2.3.4', 'b:::1', 'c=[::1]']", R"(["a=1.2.3.4","b=::1","c=::1"])"},
                        {"{a: 1.2.3.4, b: [1.1.1.1, 2.2.2.2]}", R"(["a=1.2.3.4","b=1.1.1.1","b=2.2.2.2"])"},
                        {"{b: 9.9.9.9, a: [2.2.2.2, 1.1.1.1]}", R"(["a=1.1.1.1","a=2.2.2.2","b=9.9.9.9"])"},
                        {"['a=2.2.2.2,1.1.1.1']", R"(["a=1.1.1.1","a=2.2.2.2"])"},
                        {"{a: '2.2.2.2,1.1.1.1'}", R"(["a=2.2.2.2,1.1.1.1"])"},
                        {"{a: []}", "[]"},
                        {"{a: 2024-01-31}", "! must be text"},
                        {"['a']", "! has no address"},
                    });
    check_attribute("links", {{"[db, 'db:alias', db]", R"(["db","db:alias"])"}});
}

TEST_CASE("networks at the top") {
    check_resource(
        "networks",
        {
            {"", R"({"ipam":{},"name":"p_it"})"},
            {"{name: n, driver: bridge, internal: true, attachable: 'yes', enable_ipv6: true}",
             R"({"attachable":true,"driver":"bridge","enable_ipv6":true,"internal":true,"ipam":{},"name":"n"})"},
            {"{external: true}", R"({"external":true,"ipam":{},"name":"it"})"},
            {"{external: {name: x}}", R"({"external":true,"ipam":{},"name":"x"})"},
            {"{ipam: {driver: default, config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}], options: {a: b}}}",
             R"({"ipam":{"config":[{"gateway":"10.0.0.1","subnet":"10.0.0.0/24"}],"driver":"default","options":{"a":"b"}},"name":"p_it"})"},
            {"{labels: [a=b, c]}", R"({"ipam":{},"labels":{"a":"b","c":""},"name":"p_it"})"},
            {"{subnet: 10.0.0.0/8}", "! 'subnet' is no attribute of a network"},
        });
}
