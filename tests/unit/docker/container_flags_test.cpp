#include "flags.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("what docker itself refuses: usage, in its words") {
    const struct {
        std::vector<std::string> flags;
        const char* message;
    } rows[] = {
        {{"--add-host=bad"}, "bad format for add-host: \"bad\""},
        {{"--add-host=bad:999.1.1.1"}, "invalid IP address in add-host: \"999.1.1.1\""},
        {{"--attach=bogus"}, "valid streams are STDIN, STDOUT and STDERR"},
        {{"--blkio-weight=70000"}, "strconv.ParseUint: parsing \"70000\": value out of range"},
        {{"--blkio-weight-device=/dev/x:5"}, "invalid weight for device: /dev/x:5"},
        {{"--blkio-weight-device=x"}, "bad format: x"},
        {{"--device-read-bps=/x:1"}, "bad format for device path: /x:1"},
        {{"--device-cgroup-rule=x 1:2 r"}, "invalid device cgroup format 'x 1:2 r'"},
        {{"--device-cgroup-rule=c 1:2 rwmx"}, "invalid device cgroup format 'c 1:2 rwmx'"},
        {{"--dns=bad"}, "IP address is not correctly formatted: bad"},
        {{"--dns-search=-x"}, "-x is not a valid domain"},
        {{"--env==x"}, "invalid environment variable: =x"},
        {{"--label==x"}, "invalid label '=x': empty name"},
        {{"--label=a b=c"}, "label 'a b' contains whitespaces"},
        {{"--link=a:b:c"}, "bad format for links: a:b:c"},
        {{"--cpu-count=2"},
         "\"--cpu-count\" is only supported on a Docker daemon running on windows, but the Docker daemon is running on "
         "linux"},
        {{"--memory=10q"}, "invalid suffix: 'q'"},
        {{"--network="}, "no name set for network"},
        {{"--network=name=x,ip=y"}, "ParseAddr(\"y\"): unable to parse IP"},
        {{"--network=name=x,gw-priority=y"}, "invalid gw-priority (y): invalid syntax"},
        {{"--gpus=x"}, "invalid count (x): value must be either \"all\" or an integer: invalid syntax"},
        {{"--gpus="}, "EOF"},
        {{"--device=/dev/null::r"}, " is not an absolute path"},
        {{"--pid=container:"}, "--pid: invalid PID mode"},
        {{"--security-opt=seccomp="}, "invalid --security-opt: \"seccomp=\""},
        {{"--publish=published=1,target=x"}, "invalid containerPort: x"},
        {{"--health-interval=1"}, "time: missing unit in duration \"1\""},
        {{"--mount=type=bind,src=/x,dst=/v,\"x"},
         "parse error on line 1, column 27: extraneous or missing \" in quoted-field"},
        {{"--memory=nonsense"}, "invalid size: 'nonsense'"},
        {{"--memory=-1"}, "invalid size: '-1'"},
        {{"--shm-size=bogus"}, "invalid size: 'bogus'"},
        {{"--cpus=x"}, "failed to parse x as a rational number"},
        {{"--ulimit=bogus=1"}, "invalid ulimit type: bogus"},
        {{"--ulimit=nofile=200:100"}, "ulimit soft limit must be less than or equal to hard limit: 200 > 100"},
        {{"--sysctl=kernel.bogus=1"}, "sysctl 'kernel.bogus=1' is not allowed"},
        {{"--mount=type=volume,dst=/v,bogus=1"}, "unknown option 'bogus' in 'bogus=1'"},
        {{"--mount=type=bind,src=/x,dst=/v,tmpfs-size=1"}, "cannot mix 'tmpfs-*' options with mount type 'bind'"},
        {{"--network=name=x,bogus=1"}, "invalid field key bogus"},
        {{"--network=alias=x"}, "network name/id is not specified"},
        {{"--gpus=count=1,count=2"}, "gpu request key 'count' can be specified only once"},
        {{"--device=/dev/null:/dev/x:zz"}, "bad mode specified: zz"},
        {{"--device=/dev/null:x"}, "x is not an absolute path"},
        {{"--no-healthcheck", "--health-cmd=true"}, "--no-healthcheck conflicts with --health-* options"},
        {{"--health-interval=-1s"}, "--health-interval cannot be negative"},
        {{"--uts=bogus"}, "--uts: invalid UTS mode"},
        {{"--pid=bogus"}, "--pid: invalid PID mode"},
        {{"--userns=x"}, "--userns: invalid USER mode"},
        {{"--cgroupns=bogus"}, "--cgroupns: invalid CGROUP mode"},
        {{"--restart=always", "--rm"}, "conflicting options: cannot specify both --restart and --rm"},
        {{"--restart=bogus", "--rm"}, "conflicting options: cannot specify both --restart and --rm"},
        {{"--restart=:1"}, "invalid restart policy format: no policy provided before colon"},
        {{"--restart=on-failure:x"}, "invalid restart policy format: maximum retry count must be an integer"},
        {{"--log-driver=none", "--log-opt=a=b"}, "invalid logging opts for driver none"},
        {{"--security-opt=bogus"}, "invalid --security-opt: \"bogus\""},
        {{"--security-opt=seccomp=none.json"},
         "opening seccomp profile (none.json) failed: open none.json: no such file or directory"},
        {{"--memory-swappiness=101"}, "invalid value: 101. Valid memory swappiness range is 0-100"},
        {{"--mac-address=nonsense"}, "nonsense is not a valid mac address"},
        {{"--expose=1:2"}, "invalid range format for --expose: invalid start port '1:2': invalid syntax"},
        {{"--expose=70000"}, "invalid range format for --expose: invalid start port '70000': value out of range"},
        {{"--expose=1-2-3"}, "invalid range format for --expose: invalid end port '2-3': invalid syntax"},
        {{"--expose="}, "invalid range format for --expose: invalid port range: value is empty"},
        {{"--expose=x"}, "invalid range format for --expose: invalid start port 'x': invalid syntax"},
        {{"--expose=80-70"}, "invalid range format for --expose: invalid port range: 80-70"},
        {{"--publish="}, "no port specified: <empty>"},
        {{"--publish=80:"}, "no port specified: 80:<empty>"},
        {{"--publish=/tcp"}, "no port specified: /tcp<empty>"},
        {{"--publish=foo=80"}, "no port specified: :/tcp<empty>"},
        {{"--publish=published=80"}, "no port specified: 80:/tcp<empty>"},
        {{"--publish=published=x,target=80"}, "invalid hostPort: x"},
        {{"--publish=abc"}, "invalid containerPort: abc"},
        {{"--publish=80:80-79"}, "invalid containerPort: 80-79"},
        {{"--publish=70000:80"}, "invalid hostPort: 70000"},
        {{"--publish=1.2.3:80:80"}, "invalid IP address: 1.2.3"},
        {{"--publish=80/bogus"}, "invalid proto: bogus"},
        {{"--publish=8000-8010:80-85"}, "invalid ranges specified for container and host Ports: 80-85 and 8000-8010"},
        {{"--volume="}, "invalid empty volume spec"},
        {{"--mount="}, "value is empty"},
        {{"--mount=type=bind,src=/x,dst=/v,readonly=maybe"},
         "invalid value for 'readonly': invalid boolean value (\"maybe\"): must be one of \"true\", \"1\", \"false\", "
         "or "
         "\"0\" (default \"true\")"},
        {{"--ulimit=nofile=x"}, "strconv.ParseInt: parsing \"x\": invalid syntax"},
        {{"--ulimit=nofile=1:2:3"}, "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"},
        {{"--ip=bad"}, "failed to parse IP: \"bad\""},
        {{"--env-file=none"}, "--env-file: open none: no such file or directory"},
        {{"--env-file=/tmp"}, "--env-file: invalid env file (/tmp): read /tmp: is a directory"},
        {{"--label-file=/tmp"}, "--label-file: invalid env file (/tmp): read /tmp: is a directory"},
        {{"--label-file=none"}, "--label-file: open none: no such file or directory"},
        {{"--network-alias=x"}, "network-scoped aliases are only supported for user-defined networks"},
        {{"--pull=sometimes"}, "invalid pull option: 'sometimes': must be one of \"always\", \"missing\" or \"never\""},
        {{"--network=a", "--network=a"}, "network \"a\" is specified multiple times"},
        {{"--network=a", "--network=host"},
         "conflicting options: cannot attach both user-defined and non-user-defined network-modes"},
        {{"--network=name=a,ip=1.2.3.4", "--ip=1.2.3.5"},
         "conflicting options: cannot specify both --ip and per-network IPv4 address"},
        {{"--storage-opt=size"}, "invalid storage option"},
    };
    for (const auto& row : rows) {
        Errc kind{};
        CAPTURE(row.flags.front());
        CHECK(mistake(row.flags, &kind) == row.message);
        CHECK(kind == Errc::usage);
    }
}

TEST_CASE("what its engine refuses: no usage") {
    const struct {
        std::vector<std::string> flags;
        const char* message;
    } rows[] = {
        {{"--volume=aa:/a", "--volume=bb:/a"}, "Duplicate mount point: /a"},
        {{"--volume=aa:/a", "--mount=type=tmpfs,dst=/a"}, "Duplicate mount point: /a"},
        {{"--volume=aa:/a:zz"}, "invalid mode: zz"},
        {{"--volume=aa:/a:rw,ro"}, "invalid mode: rw,ro"},
        {{"--volume=aa:/a:z,Z"}, "invalid mode: z,Z"},
        {{"--volume=/h:/a:shared,rslave"}, "invalid mode: shared,rslave"},
        {{"--volume=/a:ro"}, "invalid volume specification: '/a:ro'"},
        {{"--volume=/h:/a:nocopy"},
         "invalid volume specification: '/h:/a:nocopy': invalid mount config for type \"bind\": field VolumeOptions "
         "must not be specified"},
        {{"--volume=aa:/a:rshared"},
         "invalid volume specification: 'aa:/a:rshared': invalid mount config for type \"volume\": field BindOptions "
         "must not be specified"},
        {{"--mount=type=bogus,dst=/d"}, "invalid mount config for type \"bogus\": mount type unknown"},
        {{"--mount=src=x"}, "invalid mount config for type \"volume\": field Target must not be empty"},
        {{"--mount=type=bind,dst=/x"}, "invalid mount config for type \"bind\": field Source must not be empty"},
        {{"--mount=type=tmpfs,src=a,dst=/x"},
         "invalid mount config for type \"tmpfs\": field Source must not be specified"},
        {{"--mount=type=volume,src=vv,dst=/x,volume-subpath=/d"},
         "invalid mount config for type \"volume\": subpath must be a relative path within the volume"},
        {{"--mount=type=volume,src=vv,dst=/x,volume-subpath=a/../../b"},
         "invalid mount config for type \"volume\": subpath must be a relative path within the volume"},
        {{"--mount=type=image,src=busybox,dst=/x,image-subpath=.."},
         "invalid mount config for type \"image\": subpath must be a relative path within the volume"},
        {{"--mount=type=npipe,src=a,dst=/b"}, "invalid mount config for type \"npipe\": mount type unknown"},
        {{"--mount=type=x"}, "invalid mount config for type \"x\": field Target must not be empty"},
        {{"--mount=type=bind,src=/x,dst=/v,bind-propagation=x"},
         "invalid mount config for type \"bind\": invalid propagation mode: x"},
        {{"--mount=src=v,dst=/a/.."},
         "invalid mount config for type \"volume\": invalid specification: destination can't be '/'"},
        {{"--mount=src=v,dst=/a"},
         "create v: volume name is too short, names should be at least two alphanumeric characters"},
        {{"--volume=v:/b:ro"},
         "create v: volume name is too short, names should be at least two alphanumeric characters"},
        {{"--volume=v:b:ro"},
         "invalid volume specification: 'v:b:ro': invalid mount config for type \"volume\": invalid mount path: 'b' "
         "mount path must be absolute"},
        {{"--tmpfs=/"}, "invalid specification: destination can't be '/'"},
        {{"--link=:x"}, "could not get container for : invalid name or ID supplied: \"\""},
        {{"--volumes-from=a:b:c"}, "invalid mode: b:c"},
        {{"--volumes-from=:ro"}, "invalid name or ID supplied: \"\""},
        {{"--volumes-from=a:zz"}, "invalid mode: zz"},
        {{"--volume=a:b:c:d"}, "invalid volume specification: 'a:b:c:d'"}, // "a:" is a drive to its client
        {{"--mount=type=volume,src=vv,dst=rel"},
         "invalid mount config for type \"volume\": invalid mount path: 'rel' mount path must be absolute"},
        {{"--tmpfs=rel"}, "invalid mount path: 'rel' mount path must be absolute"},
        {{"--publish=80:0"}, "invalid port specification: \"0/tcp\""},
        {{"--ip=1.2.3.4"},
         "invalid config for network bridge: invalid endpoint settings:\n* user-specified IP address is supported on "
         "user-defined networks only\n* no configured subnet contains IP address 1.2.3.4"},
        {{"--network=container:x", "--publish-all"},
         "conflicting options: port publishing and the container type network mode"},
        {{"--network=host", "--link=a"},
         "conflicting options: host type networking can't be used with links. This would result in undefined behavior"},
    };
    for (const auto& row : rows) {
        Errc kind{};
        CAPTURE(row.flags.front());
        CHECK(mistake(row.flags, &kind) == row.message);
        CHECK(kind == Errc::invalid_project);
    }
    CHECK(mistake({"--network-alias=x"}).find("network-scoped aliases") != std::string::npos);
    CHECK(mistake({"--volume=a/b:/c"}).find("includes invalid characters") != std::string::npos);
}

TEST_CASE("process: command, entrypoint, environment in the order of the flags") {
    const ContainerSpec plain =
        spec({"--env=B=2", "--env=FROMHOST", "--env=NOTSET", "--workdir=/w", "--user=1:2"}, {"echo", "x"});
    CHECK(plain.service.command == std::vector<std::string>{"echo", "x"});
    CHECK_FALSE(plain.service.entrypoint);
    CHECK(plain.service.environment.at("B") == "2");
    CHECK(plain.service.environment.at("FROMHOST") == "yes");
    CHECK_FALSE(plain.service.environment.at("NOTSET"));
    CHECK(plain.service.working_dir == "/w");
    CHECK(plain.service.user == "1:2");
    CHECK(spec({"--entrypoint=/bin/echo"}).service.entrypoint == std::vector<std::string>{"/bin/echo"});
    CHECK(spec({"--entrypoint="}, {"sh"}).service.entrypoint->empty());
    CHECK(mistake({"--entrypoint="}) == "no command specified");
}

TEST_CASE("networks") {
    CHECK(spec({}).service.network_mode == "bridge");
    CHECK(spec({"--network=default"}).service.network_mode == "bridge");
    CHECK(spec({"--net=host"}).service.network_mode == "host");
    CHECK(spec({"--network=container:x"}).service.network_mode == "container:x");
    const Service two = spec({"--network=name=a,ip=10.0.0.5", "--network=b", "--network-alias=y"}).service;
    CHECK(two.networks.at("a")->aliases == std::vector<std::string>{"y"});
    CHECK(mistake({"--network=name=a,alias=x", "--network-alias=y"}).find("--network-alias") != std::string::npos);
    CHECK(two.network_mode.empty());
}

TEST_CASE("networks: endpoint options") {
    const Service s =
        spec({"--network=name=a,alias=x,alias=y,ip=10.0.0.5,driver-opt=k=v,gw-priority=3", "--network=b"}).service;
    REQUIRE(s.networks.size() == 2);
    const ServiceNetwork& a = *s.networks.at("a");
    CHECK(a.aliases == std::vector<std::string>{"x", "y"});
    CHECK(a.ipv4_address == "10.0.0.5");
    CHECK(a.gw_priority == 3);
    CHECK(a.priority > s.networks.at("b")->priority);
    CHECK(spec({"--network=a", "--ip=1.2.3.4", "--network-alias=z"}).service.networks.at("a")->ipv4_address ==
          "1.2.3.4");
}

TEST_CASE("ports") {
    const Service s = spec({"--publish=127.0.0.1::80", "--publish=8080:81/udp", "--publish=0:82",
                            "--publish=target=83,published=9083", "--expose=90-91"})
                          .service;
    REQUIRE(s.ports.size() == 4);
    CHECK(s.ports[0].host_ip == "127.0.0.1");
    CHECK(s.ports[0].target == 80);
    CHECK(s.ports[1].protocol == "udp");
    CHECK(s.ports[3].target == 83);
    CHECK(s.expose == std::vector<std::string>{"90-91"});
}

TEST_CASE("mounts") {
    const ContainerSpec s =
        spec({"--volume=./x:/a:ro", "--volume=vol:/b", "--volume=/c",
              "--mount=type=bind,src=/s,dst=/d,readonly,bind-propagation=rslave",
              "--mount=type=volume,src=other,dst=/e,volume-driver=local,volume-opt=type=tmpfs,volume-subpath=sub",
              "--mount=type=tmpfs,dst=/f,tmpfs-size=1m,tmpfs-mode=1770",
              "--mount=type=image,src=busybox,dst=/g,image-subpath=bin", "--tmpfs=/h:size=1m", "--volumes-from=x:ro"});
    const auto& v = s.service.volumes;
    REQUIRE(v.size() == 7);
    CHECK(v[0].type == MountType::bind);
    CHECK(v[0].source == "/here/x");
    CHECK(v[0].read_only);
    CHECK(v[1].type == MountType::volume);
    CHECK(v[1].source == "vol");
    CHECK(v[2].bind->propagation == "rslave");
    CHECK_FALSE(v[2].bind->create_host_path);
    CHECK(v[3].volume->subpath == "sub");
    CHECK(s.volumes.at("other").driver_opts.at("type") == "tmpfs");
    CHECK(v[4].tmpfs->size == 1 << 20);
    CHECK(v[4].tmpfs->mode == 01770);
    CHECK(v[5].type == MountType::image);
    CHECK(v[5].image->subpath == "bin");
    CHECK(v[6].source.empty());
    CHECK(v[6].target == "/c");
    CHECK(s.service.tmpfs == std::vector<std::string>{"/h:size=1m"});
    CHECK(s.service.volumes_from == std::vector<std::string>{"x:ro"});
}

TEST_CASE("limits, devices, health") {
    const ContainerSpec s = spec({"--memory=64m", "--memory-swap=-1", "--cpus=1.5", "--cpuset-mems=0", "--pids-limit=5",
                                  "--ulimit=nofile=100:200", "--device=/dev/null:/dev/mine:rw", "--device=/dev/zero:r",
                                  "--device=vendor.com/gpu=all", "--gpus=all", "--health-cmd=true",
                                  "--health-retries=3", "--stop-timeout=4", "--init=false"});
    CHECK(s.service.mem_limit == 64 << 20);
    CHECK(s.service.memswap_limit == -1);
    CHECK(s.service.cpus == doctest::Approx(1.5));
    CHECK(s.cpuset_mems == "0");
    CHECK(s.service.pids_limit == 5);
    CHECK(s.service.ulimits.at("nofile").hard == 200);
    CHECK(s.service.devices[0].target == "/dev/mine");
    CHECK(s.service.devices[1].target == "/dev/zero");
    CHECK(s.service.devices[1].permissions == "r");
    CHECK(s.service.devices[2].source == "vendor.com/gpu=all");
    CHECK(s.service.gpus[0].count == -1);
    CHECK(s.service.healthcheck->test == std::vector<std::string>{"CMD-SHELL", "true"});
    CHECK(s.service.healthcheck->retries == 3);
    CHECK(s.service.stop_grace_period == std::chrono::seconds(4));
    CHECK(s.service.init == false);
}

TEST_CASE("values that are kept in another form") {
    const Service s = spec({"--workdir=/a/../b", "--restart=unless-stopped:0", "--cpus=1/2", "--health-retries=0",
                            "--mac-address=02-42-AC-11-00-02", "--expose=80"})
                          .service;
    CHECK(s.working_dir == "/b");
    CHECK(s.restart == "unless-stopped");
    CHECK(s.cpus == 0.5);
    CHECK_FALSE(s.healthcheck);
    CHECK(s.mac_address == "02:42:ac:11:00:02");
    CHECK(spec({"--mount= type=bind,src=/tmp,dst=/a"}).service.volumes.at(0).target == "/a");
}

TEST_CASE("update needs a flag") {
    CHECK_THROWS_WITH_AS(container_update(ContainerFlags{}),
                         "you must provide one or more flags when using this command", Error);
    const auto update = container_update(given({"--memory=96m", "--restart=on-failure:3"}, container_update_flags()));
    CHECK(update.memory == 96 << 20);
    CHECK(update.restart == "on-failure:3");
    CHECK_FALSE(update.cpus);
}

TEST_CASE("streams") {
    CHECK(attached_streams(given({})).output);
    CHECK_FALSE(attached_streams(given({})).input);
    CHECK(attached_streams(given({"--interactive"})).input);
    const AttachedStreams one = attached_streams(given({"--attach=STDERR"}));
    CHECK(one.errors);
    CHECK_FALSE(one.output);
}
